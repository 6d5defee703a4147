"""Files of Office before 2007 and messages of Outlook, read by libraries or by programs that convert them."""

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contents import check, checked, place_of
from index.errors import UnreadableFileError
from index.formats.kinds import kind_of
from index.formats.legacy import conversion
from index.formats.legacy.conversion import load_doc, load_ppt
from index.formats.legacy.xls import load_xls
from index.formats.mail.msg import load_msg
from index.formats.office.excel.xlsx import load_xlsx

DOCUMENTS = Path(__file__).parent / "data" / "documents"
FORMATS = Path(__file__).parent / "data" / "formats"
DOC, XLS, MSG = ((FORMATS / name).read_bytes() for name in ("report.doc", "budget.xls", "message.msg"))


def test_a_workbook_reads_as_its_newer_format():
    content = load_xls(XLS)
    check(content)
    assert content.text == load_xlsx((DOCUMENTS / "budget.xlsx").read_bytes()).text
    assert "Item: Travel; Cost: 1,234.50 EUR; Share: 12.5%; Paid on: 2025-05-04" in content.text
    assert place_of(content, "Eva Huber") == "People, row 2"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.xls", XLS, "XLS"),
        ("a.doc", DOC, "DOC"),
        ("a.msg", MSG, "Outlook message"),
        ("a.xls", b"Item\tCost\nTea\t3\n", "CSV"),
        ("a.xls", b"<html><table><tr><td>Tea</table>", "HTML"),
        ("a.xls", b'<?xml version="1.0"?><Workbook/>', "XML"),
        ("a.doc", b"Words of the harbour.", "text"),
    ],
)
def test_what_is_named_after_an_older_format_is_known_by_its_bytes(name, content, kind):
    assert kind_of(name, content).name == kind


@given(at=st.integers(0, len(XLS) - 1), byte=st.integers(0, 255))
def test_a_workbook_with_a_byte_changed_is_read_or_refused(at, byte):
    checked(load_xls, XLS[:at] + bytes([byte]) + XLS[at + 1 :])


@pytest.mark.parametrize("load", [load_xls, load_msg])
def test_what_is_damaged_is_refused(load):
    whole = XLS if load is load_xls else MSG
    for broken in (b"", b"words", whole[:600], whole[:2_000], whole[:512] + bytes(2_000)):
        assert checked(load, broken) is None


def test_a_message_of_outlook():
    content = load_msg(MSG)
    check(content)
    assert content.text.startswith(
        "From: bedfortest at TEST <bedfortest@tutanota.de>\nTo: Arne Möhle <arne.moehle@tutao.onmicrosoft.com>\n"
        "Date: Tue, 06 Oct 2020 09:57:46 +0000\nSubject: Re: test internal\n\nasdfasdf\n"
    )
    assert content.title == "Re: test internal"
    assert content.places[0].label == "mail of 6 October 2020 from bedfortest at TEST"
    assert [(part.name, len(part.content)) for part in content.parts] == [("serveimage.jpg", 36739)]
    assert content.notes == ()


def test_a_message_that_was_never_sent():
    content = load_msg((FORMATS / "no-attachments.msg").read_bytes())
    assert content.text == (
        "From: peterpan@neverland.com\nTo: crocodile@neverland.com\nSubject: This is the subject\n\nThis is a message"
    )


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Lets only such programs be found as the test writes."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def write(name, script):
        (tmp_path / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return write


def test_without_a_program_people_are_told_what_to_install(programs):
    with pytest.raises(UnreadableFileError, match=r"LibreOffice, antiword or catdoc, which are not installed: apt-get"):
        load_doc(DOC)
    with pytest.raises(UnreadableFileError, match=r"LibreOffice or catppt.*save it again as PPTX"):
        load_ppt(DOC)


def test_libreoffice_converts_in_a_folder_of_its_own_without_macros_and_network(programs, tmp_path):
    newer = DOCUMENTS / "report.docx"
    programs(
        "soffice",
        f"for last; do :; done; cp {newer} document.docx; pwd > {tmp_path}/where; env > {tmp_path}/env; "
        f'cp "$last" {tmp_path}/given; cat profile/user/*.xcu > {tmp_path}/settings',
    )
    content = load_doc(DOC)
    assert "Lindau" in content.text
    assert (tmp_path / "given").read_bytes() == DOC
    assert not Path((tmp_path / "where").read_text().strip()).exists()
    environment = (tmp_path / "env").read_text()
    assert "https_proxy=http://127.0.0.1:9" in environment
    assert f"HOME={(tmp_path / 'where').read_text().strip()}" in environment
    assert "DisableMacrosExecution" in (tmp_path / "settings").read_text()


def test_without_libreoffice_the_words_are_read_and_what_is_missing_is_named(programs):
    programs("catdoc", "printf 'The harbour.\\n\\nIt was dredged.\\n'")
    content = load_doc(DOC)
    assert content.text == "The harbour.\n\nIt was dredged."
    assert content.notes == (
        "headings, pictures, charts and comments: not read by catdoc; install LibreOffice to read it whole",
    )
    programs("catppt", "printf ' '")
    with pytest.raises(UnreadableFileError, match="no text that catppt finds"):
        load_ppt(DOC)


def test_a_program_that_fails_or_hangs_is_ended(programs, monkeypatch):
    programs("soffice", "exit 0")
    with pytest.raises(UnreadableFileError, match="LibreOffice cannot read it"):
        load_doc(DOC)
    programs("soffice", "exit 77")
    with pytest.raises(UnreadableFileError, match="soffice cannot read it"):
        load_doc(DOC)
    programs("soffice", "sleep 60 & sleep 60")
    monkeypatch.setattr(conversion, "TIMEOUT_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(UnreadableFileError, match="took longer than"):
        load_doc(DOC)
    assert time.monotonic() - begun < 20


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_itself():
    content = load_doc(DOC)
    check(content)
    assert "The harbour of Lindau was dredged in 2024." in content.text
    assert content.title == "Report on the harbour"
    assert place_of(content, "Bregenz").endswith("Travel")
