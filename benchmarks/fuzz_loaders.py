"""Coverage-guided fuzzing of the loaders: `make fuzz MINUTES=20`.

Starts from the files of the tests and a small one of each other format, changes them at random, and keeps those that
run new code. In ZIP archives it mostly changes a member and repacks them. A finding is an undocumented exception, a
document that breaks an invariant, 10 s of work on one file, a process above 2 GB, or one that dies. Each is saved with
its traceback, one per place in the code, and the run goes on. Pages that are images are not read: OCR takes seconds per
page.
"""

import argparse
import email.message
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType

try:
    import atheris
except ImportError:
    sys.exit(
        f"The fuzzer is atheris, which Verbatim itself doesn't need; install it with: {sys.executable} -m pip "
        "install atheris (Linux and macOS)"
    )

with atheris.instrument_imports(include=["index", "striprtf", "openpyxl", "email", "json"]):
    from index.errors import UnreadableFileError
    from index.formats.kinds import KINDS
    from index.ingest import loading
    from index.records import Document

    for kind in KINDS:
        kind.function()

DOCUMENTS = Path(__file__).parents[1] / "tests" / "data" / "documents"
SUFFIXES = (
    ".bin .csv .docx .eml .epub .html .json .jsonl .mbox .md .odp .ods .odt .pdf .pptx .py .rtf .tsv .txt".split()
)
SUFFIXES += ".xlsx .zip .7z .adoc .gz .ics .ipynb .msg .org .rst .srt .tar .tex .vcf .vtt .xls .xml".split()
"""An input is a byte that selects one of these suffixes, followed by the file's content."""
MAX_BYTES = 40_000
MOST_CPU_S = 10
HANGS_AFTER_S = 120
"""Seconds after which work that cannot be interrupted is killed; the machine may be busy with other work."""
MAX_MB = 2048
REPORTS_EVERY_S = 5
PASSWORD = "openpassword"  # of libreoffice-writer-password.pdf

PLAIN = {
    ".md": b"# Minutes\n\n## Decisions\n\nThe lock was painted *green*.\n\n```\ncode\n```\n",
    ".txt": "Ünïcode. The mayor of the town is Clara Meyer.".encode("utf-16"),
    ".py": b"# The locks\n\nWIDTH = 1234\n",
    ".csv": b'Ship;Built;"Length; m"\nHohentwiel;1913;"57"\nOesterreich;1928;\n',
    ".tsv": b"Ship\tBuilt\nHohentwiel\t1913\n",
    ".json": b'{"harbours": [{"name": "Lindau", "depth": 3.5, "open": true, "x\\ud83d\\ude00": null}], "n": [1, [2]]}',
    ".jsonl": b'{"ship": "Austria"}\n\n[1, {"a": "b"}]\n"words"\n',
    ".html": b"""<html lang=en><title>T - S</title><nav>menu</nav><main><h1 id=a>H</h1><p>One<sup>2</sup><br>two&nbsp;
        <table><tr><th>A<th colspan=2>B<tr><td rowspan=2>1<td>2</table><ol start=3><li>x<ul><li>y</ul></ol><dl><dt id=t>
        f(x)<dd>does</dl><pre>a\n  b</pre></main><script>s()</script>""",
    ".rtf": rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title T}}\f0 Caf\'e9 \u8364? \b x\b0\par y}",
}


def make_mail() -> bytes:
    """Make a mail with an HTML part, an attachment and a forwarded mail."""
    inner, mail = email.message.EmailMessage(), email.message.EmailMessage()
    inner["From"], inner["Subject"] = "Bob <bob@example.org>", "=?utf-8?q?Caf=C3=A9?="
    inner.set_content("The pilot is called Rosa.")
    mail["From"], mail["To"], mail["Subject"] = "Ann Lee <ann@example.org>", "bob@example.org", "The dredging"
    mail["Date"] = "Mon, 04 May 2026 10:00:00 +0200"
    mail.set_content("The dredger is called Goliath. Grüße")
    mail.add_alternative("<p>The dredger is called <b>Goliath</b>.</p>", subtype="html")
    mail.add_attachment(PLAIN[".csv"], maintype="text", subtype="csv", filename="costs.csv")
    mail.add_attachment(inner)
    return mail.as_bytes()


def make_zip(members: dict[str, bytes]) -> bytes:
    """Make a ZIP archive of members by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def seeds() -> list[tuple[str, bytes]]:
    """Return the initial files with their suffixes: those of the tests, and one of each format that they lack."""
    epub = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": b'<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
        "b.opf": b"""<package><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Harbours</dc:title>
            <dc:creator>Ann Lee</dc:creator><dc:date>2020</dc:date></metadata><manifest><item id="a" href="a%20b.xhtml"
            media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>""",
        "a b.xhtml": PLAIN[".html"],
    }
    mail = make_mail()
    mails = 2 * (b"From a@example.org Mon May  4 10:00:00 2026\n" + mail + b"\n")
    found = [(path.suffix, path.read_bytes()) for path in sorted(DOCUMENTS.rglob("*.*"))]
    made = [
        *PLAIN.items(),
        (".eml", mail),
        (".mbox", mails),
        (".epub", make_zip(epub)),
        (".zip", make_zip({"deep/page.html": PLAIN[".html"], "mail.eml": mail, "in.zip": make_zip({"a.md": b"# A"})})),
    ]
    return [(suffix if suffix in SUFFIXES else ".bin", content) for suffix, content in [*found, *made]]


# In the child: loads one input after another, until libFuzzer ends the process


class TooSlowError(BaseException):
    """Loading one file took too long; a BaseException, so that no loader catches it."""


class Target:
    """Loads inputs and records findings."""

    def __init__(self, folder: Path) -> None:
        """Start counting.

        Args:
            folder: Folder for findings and figures.
        """
        self._folder = folder
        self._counts: Counter[str] = Counter()
        self._slowest: dict[str, float] = {}
        self._reported = time.monotonic()
        self._scratch = Path(tempfile.mkdtemp(dir=folder))
        signal.signal(signal.SIGVTALRM, self._ring)

    def run(self, given: bytes) -> None:
        """Load an input.

        Args:
            given: The byte that selects the suffix, then the content.
        """
        if not given:
            return
        suffix = SUFFIXES[given[0] % len(SUFFIXES)]
        path = self._scratch / f"file{suffix}"
        path.write_bytes(given[1:])
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
        try:
            check(loading.load(path, path.name, (PASSWORD,)))
        except UnreadableFileError as error:
            if not str(error) or len(str(error).splitlines()) != 1:
                self._find("message", error, given)
        except (Exception, TooSlowError) as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            self._find(type(error).__name__, error, given)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self._count(suffix, time.process_time() - began, given)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    def _find(self, what: str, error: BaseException, given: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).stem}-{frames[-1].lineno}" if what != "TooSlowError" else "work"
        ours = [frame for frame in frames if f"{os.sep}index{os.sep}" in frame.filename]
        place += f"-{Path(ours[-1].filename).stem}-{ours[-1].name}" if ours else ""
        kept = self._folder / "findings" / f"{what}-{place}"
        self._counts["findings"] += 1
        if not kept.with_suffix(".txt").exists():
            kept.with_suffix(".bin").write_bytes(given)
            kept.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")

    def _count(self, suffix: str, seconds: float, given: bytes) -> None:
        self._counts[suffix] += 1
        if seconds > self._slowest.get(suffix, 0):
            self._slowest[suffix] = seconds
            (self._folder / f"slowest{suffix}.bin").write_bytes(given)
        if time.monotonic() - self._reported > REPORTS_EVERY_S:
            self._reported = time.monotonic()
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            figures = {"counts": self._counts, "slowest": self._slowest, "peak_mb": peak_mb}
            (self._folder / f"figures-{os.getpid()}.json").write_text(json.dumps(figures), encoding="utf-8")


def check(files: list[loading.LoadedFile]) -> None:
    """Check the invariants of loaded files."""
    assert files
    for file in files:
        assert file.name.isprintable()
        assert not {"", ".", ".."}.intersection(file.name.split("/"))
        assert len(file.detail.splitlines()) <= 1
        assert file.detail or file.status in {loading.INDEXED, loading.UNSUPPORTED, loading.EMPTY}
        if file.document is not None:
            check_document(file.document)


def check_document(document: Document) -> None:
    """Check the invariants of a document."""
    text = document.text
    assert text.strip()
    text.encode()
    document.title.encode()
    assert "\n" not in document.title
    starts = [place.start for place in document.places]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(text) for start in starts)
    assert all(len(place.label.splitlines()) <= 1 for place in document.places)
    json.dumps(dict(document.metadata)).encode()
    if document.boxes is not None:
        assert len(document.boxes.pages) == len(document.boxes.rectangles) == len(text)
        assert document.boxes.pages.max() < len(document.boxes.sizes)


def mutate(given: bytes, max_size: int, seed: int) -> bytes:
    """Make a new input with the same suffix; in ZIP archives mostly by changing one member.

    Args:
        given: An input.
        max_size: Largest size of the new one, in bytes.
        seed: Random seed.

    Returns:
        The new input.
    """
    rng = Random(seed)
    head, content = given[:1] or b"\0", given[1:]
    if rng.random() < 0.01:
        head = bytes([rng.randrange(len(SUFFIXES))])
    if content.startswith(b"PK") and rng.random() < 0.8:
        repacked = _with_member_changed(content, max_size, rng)
        if repacked is not None and len(repacked) < max_size:
            return head + repacked
    return head + bytes(atheris.Mutate(content, max_size - 1))


def _with_member_changed(content: bytes, max_size: int, rng: Random) -> bytes | None:
    """Change one member of an archive; None if the archive is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 (the damaged ones are changed as bytes)
        return None
    if not members:
        return None
    chosen = rng.choice(sorted(members))
    members[chosen] = bytes(atheris.Mutate(members[chosen], max(max_size, len(members[chosen]))))
    return make_zip(members)


def fuzz(folder: Path, seconds: int) -> None:
    """Load inputs until the time is up or the process must end; never returns."""
    os.environ["PATH"] = ""  # no OCR
    target = Target(folder)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={HANGS_AFTER_S}",
        f"-rss_limit_mb={MAX_MB}",
        f"-artifact_prefix={folder / 'findings'}{os.sep}",
        "-print_final_stats=1",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], target.run, custom_mutator=mutate)
    atheris.Fuzz()


# In the parent: starts children, and reports their findings


def run(folder: Path, seconds: float) -> None:
    """Fuzz for a time, restarting after each process that died, and print the figures."""
    for name in ("corpus", "findings"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (suffix, content) in enumerate(seeds()):
        if len(content) < MAX_BYTES:
            path = folder / "corpus" / f"seed-{number:02}{suffix}"
            path.write_bytes(bytes([SUFFIXES.index(suffix)]) + content)
    n_seeds = len(list((folder / "corpus").iterdir()))
    began = time.monotonic()
    n_processes = 0
    with (folder / "log.txt").open("ab") as log:
        while (left := round(seconds - (time.monotonic() - began))) > 0:
            command = [sys.executable, __file__, "--folder", str(folder), "--child", str(left)]
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
            n_processes += 1
    report(folder, n_seeds, n_processes, time.monotonic() - began)


def report(folder: Path, n_seeds: int, n_processes: int, seconds: float) -> None:
    """Print the figures and findings."""
    counts: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    peak_mb = 0
    for path in folder.glob("figures-*.json"):
        figures = json.loads(path.read_text(encoding="utf-8"))
        counts.update(figures["counts"])
        peak_mb = max(peak_mb, figures["peak_mb"])
        for suffix, took in figures["slowest"].items():
            slowest[suffix] = max(took, slowest.get(suffix, 0))
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", (folder / "log.txt").read_text("utf-8", "replace"))
    findings = counts.pop("findings", 0)
    print(f"{seconds / 60:.1f} minutes, {counts.total():,} files from {n_seeds} seeds, {n_processes} processes")
    if coverage:
        print("edges of the code {}, features {}, files kept {}".format(*coverage[-1]))
    print(f"peak memory {peak_mb:,} MB")
    for suffix, count in counts.most_common():
        print(f"  {suffix or 'no suffix':10} {count:>10,} files, at most {slowest[suffix]:6.2f} s of the processor")
    kept = sorted({path.stem for path in (folder / "findings").iterdir()})
    print(f"{findings:,} files went wrong, in {len(kept)} ways{':' if kept else ''}")
    for name in kept:
        print(f"  {name}")
    print(f"inputs and tracebacks: {folder}")


def main() -> None:
    """Fuzz for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--folder", type=Path, help="where inputs and findings are kept, and resumed from")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="verbatim-fuzz-"))
    if given.child is not None:
        fuzz(folder.resolve(), given.child)
    else:
        run(folder.resolve(), 60 * given.minutes)


if __name__ == "__main__":
    main()
