"""DOC and PPT, the formats of Word and PowerPoint before 2007, by programs that convert them.

LibreOffice reads all of them; where it is missing, antiword and catdoc read their words. Each runs in an empty folder
of its own, with a limit in time, without macros, and without a way to the network.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.office.pptx import load_pptx
from index.formats.office.word.docx import load_docx
from index.formats.text.decoding import decode

TIMEOUT_S = 90
"""A program that takes longer is ended: before the process that waits for it is."""
_OFFICE = ("soffice", "libreoffice")
_MISSING = (
    "the format of {program} before 2007 needs {others}, which are not installed: apt-get install {package} (Debian, "
    "Ubuntu), brew install --cask libreoffice (macOS), winget install TheDocumentFoundation.LibreOffice (Windows); "
    "or save it again as {suffix}"
)
_DAMAGED = "damaged or encrypted: {} cannot read it; restore the file, or save it again"
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not exist: what a document links to is not fetched."""
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse">
<value>true</value></prop><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>0</value></prop></item></oor:items>
"""


def load_doc(content: bytes) -> Content:
    """Read a Word document of the format before 2007.

    Args:
        content: The file's bytes.

    Returns:
        What LibreOffice makes of it, with headings as places; without LibreOffice, its words by antiword or catdoc,
        with a note on what these leave out.

    Raises:
        EmptyFileError: It holds no text.
        UnreadableFileError: It is damaged or encrypted, or none of the programs is installed.
    """
    if _found(*_OFFICE):
        return _converted(content, "doc", "docx", load_docx)
    for command in (["antiword", "-w", "0", "-m", "UTF-8.txt"], ["catdoc", "-w", "-d", "utf-8"]):
        if program := _found(command[0]):
            return _words([program, *command[1:]], content, "doc")
    raise UnreadableFileError(
        _MISSING.format(
            program="Word", others="LibreOffice, antiword or catdoc", package="libreoffice-writer-nogui", suffix="DOCX"
        )
    )


def load_ppt(content: bytes) -> Content:
    """Read a PowerPoint presentation of the format before 2007.

    Args:
        content: The file's bytes.

    Returns:
        What LibreOffice makes of it, with slides as places; without LibreOffice, its words by catppt, with a note on
        what it leaves out.

    Raises:
        EmptyFileError: It holds no text.
        UnreadableFileError: It is damaged or encrypted, or none of the programs is installed.
    """
    if _found(*_OFFICE):
        return _converted(content, "ppt", "pptx", load_pptx)
    if program := _found("catppt"):
        return _words([program, "-d", "utf-8"], content, "ppt")
    raise UnreadableFileError(
        _MISSING.format(
            program="PowerPoint", others="LibreOffice or catppt", package="libreoffice-impress-nogui", suffix="PPTX"
        )
    )


def _found(*programs: str) -> str | None:
    return next((path for program in programs if (path := shutil.which(program))), None)


def _converted(content: bytes, suffix: str, newer: str, load: Callable[[bytes], Content]) -> Content:
    """Convert a file by LibreOffice, and read the result.

    Args:
        content: The file's bytes.
        suffix: Its format.
        newer: The format to convert it to.
        load: Reads that.

    Returns:
        What is read.

    Raises:
        UnreadableFileError: LibreOffice cannot open it.
    """
    with TemporaryDirectory(prefix="verbatim-") as folder:
        profile, source = Path(folder, "profile"), Path(folder, f"document.{suffix}")
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
        source.write_bytes(content)
        options = ["--headless", "--norestore", "--nolockcheck", f"-env:UserInstallation={profile.as_uri()}"]
        _run([str(_found(*_OFFICE)), *options, "--convert-to", newer, "--outdir", folder, str(source)], folder)
        made = source.with_suffix(f".{newer}")
        if not made.is_file():
            raise UnreadableFileError(_DAMAGED.format("LibreOffice"))
        return load(made.read_bytes())


def _words(command: list[str], content: bytes, suffix: str) -> Content:
    """Return the words that a program prints of a file.

    Args:
        command: The program and its options.
        content: The file's bytes.
        suffix: Its format.

    Returns:
        The words, with a note on what the program leaves out.

    Raises:
        EmptyFileError: It prints none.
    """
    program = Path(command[0]).name
    with TemporaryDirectory(prefix="verbatim-") as folder:
        source = Path(folder, f"document.{suffix}")
        source.write_bytes(content)
        printed = _run([*command, str(source)], folder)
    text = Assembly()
    for paragraph in (
        decode(printed).replace("\r\n", "\n").replace("\f", "\n\n").split("\n\n") if printed.strip() else ()
    ):
        text.add("\n".join(line.rstrip() for line in paragraph.split("\n")))
    if not text.length:
        raise EmptyFileError(f"no text that {program} finds; install LibreOffice to read it whole")
    note = f"headings, pictures, charts and comments: not read by {program}; install LibreOffice to read it whole"
    return text.content("", {}, (note,))


def _run(command: list[str], folder: str) -> bytes:
    """Run a program in a folder, with a limit in time.

    Args:
        command: The program and its arguments.
        folder: Its working folder and home.

    Returns:
        What it printed.

    Raises:
        UnreadableFileError: It took longer than `TIMEOUT_S`, or failed.
    """
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    environment |= {"HOME": folder, "TMPDIR": folder}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), _NOWHERE)
    program = Path(command[0]).name
    with subprocess.Popen(  # noqa: S603 (a program of the user's own, no shell)
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            printed, _ = running.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            _end(running)
            raise UnreadableFileError(f"{program} took longer than {TIMEOUT_S} s to read it") from error
    if running.returncode:
        raise UnreadableFileError(_DAMAGED.format(program))
    return printed


def _end(running: "subprocess.Popen[bytes]") -> None:
    """End a program and those that it started."""
    if hasattr(os, "killpg"):
        os.killpg(running.pid, signal.SIGKILL)
    running.kill()
