"""A file of any kind becomes documents: it is known by its name or its bytes, and files within it are documents too."""

import io
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msoffcrypto.format.ooxml import OOXMLFile

from containers import make_mail, make_zip
from contents import is_harmless
from index.errors import ChangingFileError, EmptyFileError, UnreadableFileError, UnsupportedFileError
from index.formats import kinds
from index.formats.content import Content
from index.formats.kinds import KINDS, kind_of
from index.ingest import loading
from index.ingest.loading import is_light, is_supported, load, read_bytes

DOCUMENTS = Path(__file__).parent / "data" / "documents"
HTML = b"<!DOCTYPE html><html><body><p>The harbour was dredged.</p></body></html>"


def read(tmp_path, name, content, passwords=()):
    path = tmp_path / name.replace("/", "_")
    path.write_bytes(content)
    return load(path, name, passwords)


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        ("report.docx", "report", "DOCX"),
        ("report.docx", "report.pdf", "DOCX"),
        ("report.docx", "report.zip", "DOCX"),
        ("report.docx", "report.txt", "DOCX"),
        ("report.odt", "report.docx", "OpenDocument text"),
        ("budget.ods", "budget.bin", "OpenDocument"),
        ("talk.odp", "talk.odp", "OpenDocument"),
        ("talk.pptx", "talk.ppt", "PPTX"),
        ("budget.xlsx", "budget", "XLSX"),
        ("report.rtf", "report.doc", "RTF"),
        ("report.pdf", "report", "PDF"),
        ("report.pdf", "report.html", "PDF"),
        ("report.pdf", "REPORT.PDF", "PDF"),
        ("web/bisect.html", "bisect", "HTML"),
        ("web/bisect.html", "bisect.docx", "HTML"),
        ("web/bisect.html", "bisect.txt", "text"),
        ("web/bisect.html", "bisect.php3", "HTML"),
    ],
)
def test_a_file_is_what_it_is_whatever_it_is_called(file, name, kind):
    found = kind_of(name, (DOCUMENTS / file).read_bytes())
    assert found is not None
    assert found.name == kind


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("README", b"Words.", "text"),
        ("Makefile", b"all:\n\tmake test\n", "text"),
        ("README", "Größe".encode("utf-16"), "text"),
        ("program", b"\x7fELF\x02\x01\x01" + bytes(64), None),
        ("notes.weird", b"Words.", None),
        ("library.jar", make_zip({"a.txt": b"Words."}), None),
        ("report.bak", make_zip({"_rels/x": b"", "a.txt": b"Words."}), None),
        ("archive", make_zip({"a.txt": b"Words."}), "ZIP"),
        ("a.zip", b"PK\x03\x04 and no more", "ZIP"),
        ("a.docx", b"PK\x03\x04 and no more", "DOCX"),
        ("1714.M5P6.host:2,S", make_mail("Words."), "mail"),
        ("inbox", b"From ann@example.org Mon May  4 10:00:00 2026\n" + make_mail("Words."), "mailbox"),
        ("a.md", make_mail("Words."), "Markdown"),
        ("a.jsonl", b"{}\n{}", "JSON Lines"),
        ("a.PY", b"words = 1", "code"),
        ("", b"", "text"),
    ],
)
def test_what_has_no_telling_name_is_known_by_its_beginning(name, content, kind):
    found = kind_of(name, content)
    assert (found and found.name) == kind


@given(
    content=st.binary(max_size=200), name=st.sampled_from(["a", "a.txt", "a.pdf", "a.docx", "a.zip", "a.eml", "a.x"])
)
def test_any_bytes_are_of_a_kind_or_none(content, name):
    for mark in (b"", b"PK\x03\x04", b"%PDF-", b"From "):
        kind_of(name, mark + content)


def test_every_kind_has_its_reader_and_no_suffix_is_of_two():
    assert all(callable(kind.function()) for kind in KINDS)
    suffixes = [suffix for kind in KINDS for suffix in kind.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix == suffix.lower() for suffix in suffixes)


def test_a_file_is_told_to_be_supported_by_its_first_bytes(tmp_path):
    names = {"a.txt": b"x", "b.exe": b"MZ\x00\x01", "c": b"Words.", "d.jar": b"PK\x03\x04", "e.bak": b"%PDF-1.7"}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    assert {name for name in names if is_supported(tmp_path / name)} == {"a.txt", "c", "e.bak"}
    assert is_supported(tmp_path / "gone.pdf")  # that it cannot be opened is said when it is
    assert [is_light(tmp_path / name) for name in ("a.txt", "c", "e.bak")] == [True, True, False]


def test_attachments_are_documents_of_their_own(tmp_path):
    content = make_mail(
        "See the report.", {"report.docx": (DOCUMENTS / "report.docx").read_bytes(), "logo.png": b"\x89PNG"}
    )
    mail, report, logo = read(tmp_path, "in/mail.eml", content)
    assert (mail.name, report.name, logo.name) == ("in/mail.eml", "in/mail.eml/report.docx", "in/mail.eml/logo.png")
    assert "See the report." in mail.document.text
    assert mail.document.places[0].label == "mail of 4 May 2026 from Ann Lee"
    assert "Lindau" in report.document.text
    assert report.document.name == report.name
    assert (logo.status, logo.document) == ("failed", None)
    assert "damaged, or not a picture" in logo.detail


def test_archives_in_archives_are_opened_as_deep_as_people_pack(tmp_path):
    content = b"Words at the bottom."
    for depth in range(5):
        content = make_zip(
            {"a.txt" if depth == 0 else f"{depth}.zip": content, f"{depth}.txt": b"Words of %d." % depth}
        )
    whole, *parts = read(tmp_path, "top.zip", content)
    assert whole.status == "partly read"
    assert whole.detail == "files nested in more than 3 files are left out"
    assert whole.document is None
    documents = [part.name for part in parts if part.document is not None]
    assert documents == ["top.zip/4.zip/3.zip/2.txt", "top.zip/4.zip/3.txt", "top.zip/4.txt"]


def test_names_within_stay_within_and_are_each_used_once(tmp_path):
    inner = make_zip({"y.txt": b"One."})
    _, *parts = read(
        tmp_path,
        "a.zip",
        make_zip(
            {
                "x.zip": inner,
                "x.zip/y.txt": b"Two.",
                "../../etc/passwd.txt": b"Three.",
                "/abs.txt": b"Four.",
                "C:\\win\\b.txt": b"Five.",
                "new\nline.txt": b"Six.",
                "\u202etxt.exe.txt": b"Seven.",
            }
        ),
    )
    names = [part.name for part in parts]
    assert len(set(names)) == len(names) == 8
    assert all(is_harmless(name) and name.startswith("a.zip/") for name in names)
    assert {"a.zip/x.zip/y.txt", "a.zip/x.zip/y (2).txt", "a.zip/etc/passwd.txt", "a.zip/abs.txt"} <= set(names)


def test_a_part_that_cannot_be_read_is_reported_alone(tmp_path):
    archive = make_zip({"a.pdf": b"no PDF", "b.txt": b"Words.", "c.txt": b" ", "d.txt": bytes(range(256)) * 8})
    whole, *parts = read(tmp_path, "a.zip", archive)
    assert whole.status == "indexed"
    assert [part.status for part in parts] == ["failed", "indexed", "empty", "failed"]
    assert "not a PDF file" in parts[0].detail


def test_files_within_a_file_are_bounded_together(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MAX_PARTS", 3)
    whole, *parts = read(tmp_path, "a.zip", make_zip({f"{n}.txt": b"Words." for n in range(9)}))
    assert (len(parts), whole.status) == (3, "partly read")
    assert "files within it beyond the first 3" in whole.detail
    monkeypatch.setattr(loading, "MAX_TEXT_CHARS", 10)
    _, *parts = read(tmp_path, "a.zip", make_zip({f"{n}.txt": b"Words." for n in range(3)}))
    assert [part.status for part in parts] == ["indexed", "failed", "failed"]
    assert parts[1].detail == "too large: its documents have more than 10 characters"


def test_a_title_is_the_files_name_where_the_first_line_says_nothing(tmp_path):
    assert read(tmp_path, "in/costs.csv", b"Item,Cost\nTravel,120")[0].document.title == "costs"
    assert read(tmp_path, "a.json", b'{"a": 1}')[0].document.title == "a"
    mailbox = b"From a@example.org Mon May  4 10:00:00 2026\n" + make_mail("Words.")
    assert read(tmp_path, "a.mbox", mailbox)[0].document.title == "a"
    assert read(tmp_path, "a.txt", b"First line\nSecond")[0].document.title == "First line"
    assert read(tmp_path, "a.py", b"import os\n")[0].document.title == "a.py"
    assert read(tmp_path, "a_b.txt", b"Page 1 of 4\n12")[0].document.title == "a b"
    assert read(tmp_path, "a.md", b"# Heading\nSecond")[0].document.title == "Heading"


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.py", "a.bib", "README"])
def test_the_text_of_plain_files_is_the_files_own(tmp_path, name):
    text = "\ufeff# One\r\n\tTwo  \n\n\n\rThree\u2028\x0bfour "
    assert read(tmp_path, name, text.encode())[0].document.text == text.removeprefix("\ufeff")


def test_places_of_each_kind_of_plain_file(tmp_path):
    def labels(name, content):
        return [place.label for place in read(tmp_path, name, content)[0].document.places]

    assert labels("a.txt", b"One\n\nTwo") == []
    assert labels("a.md", b"# One\n\n## Two\n\nwords") == ["One", "One › Two"]
    assert labels("a.py", b"a = 1\n\nb = 2") == ["line 1", "line 3"]
    assert labels("a.csv", b"Item,Cost\nTravel,120\nFood,30") == ["row 2", "row 3"]


def test_a_language_that_the_models_do_not_know_is_said(tmp_path):
    german = "Der Hafen von Lindau wurde im Jahr 2024 ausgebaggert, und die Kosten trug die Gemeinde. " * 3
    file = read(tmp_path, "a.txt", german.encode())[0]
    assert (file.status, file.detail) == (
        "indexed",
        "its language seems to be 'de', but the models only understand English",
    )
    assert file.document.metadata["language"] == "de"
    english = read(tmp_path, "b.txt", b"The harbour of Lindau was dredged in 2024, and the town paid for it. " * 3)[0]
    assert (english.detail, english.document.metadata["language"]) == ("", "en")


def test_passwords_open_a_pdf_and_an_archive(tmp_path):
    locked = (DOCUMENTS / "libreoffice-writer-password.pdf").read_bytes()
    with pytest.raises(UnreadableFileError, match=r"needs a password; .*VERBATIM_PASSWORDS"):
        read(tmp_path, "a.pdf", locked)
    assert read(tmp_path, "a.pdf", locked, ["wrong", "openpassword"])[0].document.text
    whole, inner = read(tmp_path, "a.zip", make_zip({"in.pdf": locked}), ["openpassword"])
    assert (whole.status, inner.status) == ("indexed", "indexed")


def encrypted(content, password):
    packed = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, packed)
    return packed.getvalue()


@pytest.mark.parametrize("file", ["report.docx", "talk.pptx", "budget.xlsx"])
def test_passwords_open_an_office_file(tmp_path, file):
    plain = (DOCUMENTS / file).read_bytes()
    locked = encrypted(plain, "s3cret")
    with pytest.raises(UnreadableFileError, match=r"it needs a password; .*VERBATIM_PASSWORDS"):
        read(tmp_path, file, locked)
    with pytest.raises(UnreadableFileError, match="none of 2 passwords fits"):
        read(tmp_path, file, locked, ["wrong", ""])
    opened, as_it_was = (read(tmp_path, file, content, ["wrong", "s3cret"])[0] for content in (locked, plain))
    assert opened.document.text == as_it_was.document.text
    assert opened.sha256 != as_it_was.sha256
    with pytest.raises(UnreadableFileError, match="damaged"):
        read(tmp_path, file, locked[: len(locked) // 2], ["s3cret"])


def test_without_what_opens_office_files_people_are_told_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "msoffcrypto", None)
    locked = encrypted((DOCUMENTS / "report.docx").read_bytes(), "s3cret")
    with pytest.raises(UnreadableFileError, match=r"pip install 'verbatim-qa\[passwords\]'"):
        read(tmp_path, "a.docx", locked, ["s3cret"])


def test_halves_of_characters_can_be_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(
        kinds.Kind,
        "function",
        lambda kind: lambda content: Content("a \ud83d b", "tide \ud83d", metadata={"author": "\ude00"}),
    )
    document = read(tmp_path, "a.txt", b"x")[0].document
    assert (document.text, document.title, document.metadata["author"]) == ("a \ufffd b", "tide \ufffd", "\ufffd")


@pytest.mark.parametrize("break_", ["\v", "\f", "\x85", "\u2028"])
def test_a_place_is_said_on_one_line(tmp_path, break_):
    document = read(tmp_path, "a.md", f"# Costs{break_}of travel\n\n4,200 EUR\n".encode())[0].document
    assert [place.label for place in document.places] == ["Costs of travel"]
    assert document.text.startswith(f"# Costs{break_}of travel")


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("Old words.")
    real, turns = Path.read_bytes, []

    def read_slowly(self):
        content = real(self)
        turns.append(content)
        if len(turns) < changes:
            path.write_text(f"Words {len(turns)} and more." + "x" * len(turns))
        return content

    monkeypatch.setattr(Path, "read_bytes", read_slowly)
    changes = 3
    assert read_bytes(path) == real(path)
    assert len(turns) == 3
    turns.clear()
    changes = 9
    with pytest.raises(ChangingFileError, match="it is being modified; index again"):
        read_bytes(path)


def test_what_holds_nothing_is_empty(tmp_path):
    for name, content in (("a.zip", make_zip({})), ("a.txt", b"\n"), ("a.html", b"<html></html>"), ("a.json", b" ")):
        with pytest.raises(EmptyFileError):
            read(tmp_path, name, content)
    with pytest.raises(UnsupportedFileError, match="unsupported file type"):
        read(tmp_path, "a.exe", b"MZ\x00\x01")


def test_a_zip_that_only_claims_to_be_an_office_file_is_refused_with_the_reason(tmp_path):
    for name in ("a.docx", "a.xlsx", "a.odt", "a.epub"):
        with pytest.raises(UnreadableFileError, match="damaged"):
            read(tmp_path, name, make_zip({"a.txt": b"x"}, zipfile.ZIP_STORED))
