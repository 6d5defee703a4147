"""A file's text is kept as it is, whatever encoding it came in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import UnreadableFileError, UnsupportedFileError
from index.formats.text.decoding import decode
from index.formats.text.titles import title_of_markdown, title_of_text
from index.ingest.loading import load

TITLES = (title_of_text, title_of_markdown)

# Surrogates are no characters: no encoding can hold them. Controls are what makes a file binary.
readable = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


@given(text=readable)
def test_utf8_text_comes_back_as_it_was(text):
    assert decode(text.encode("utf-8")) == text.removeprefix("\ufeff")


@given(text=readable, encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_byte_order_mark_decides_and_is_dropped(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x0c", "\x85"])
def test_newlines_stay_as_they_were(newline):
    text = f"one{newline}two{newline}{newline}three"
    assert decode(text.encode()) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding):
    text = "The bomber was Akmal Karimov.\r\nHe came from Khujand; it cost 5 €."
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Le café de la gare coûte 3 € — “très cher”, dit-elle.",
        "Müller wohnt in Zürich, Straße 5. Die Größe beträgt 3 m².",
        "She said: ‘It’s fine…’ and left.",
        "né",
    ],
)
def test_cp1252(text):
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (
            "В мае 2012 года Верховный суд Таджикистана официально запретил группировку как экстремистскую." * 3,
            "cp1251",
        ),
        ("東京は日本の首都です。人口は約千四百万人で、世界最大の都市圏を形成しています。" * 3, "shift_jis"),
    ],
)
def test_other_encodings_are_found_out(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        ("\ufeff".encode(), "empty"),
        (bytes(range(256)) * 8, "binary"),
        (b"\x7fELF\x02\x01\x01" + bytes(64), "binary"),
        ("Größe: ü".encode()[:-1], "cut off in the middle of a character at byte 9"),
        ("größer".encode("utf-16")[:-1], "cut off"),
        (b"\xff\xfe\x00\xd8\x00\xd8", "not valid utf-16-le"),
        ("größer \ud83d".encode("utf-8", "surrogatepass"), "byte 9 begins a surrogate"),
        ("a \ud83d\ude00".encode("utf-8", "surrogatepass"), "byte 2 begins a surrogate"),
        ("\0" * 20 + "word " * 100, "binary"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(tmp_path: Path, content, said):
    path = tmp_path / "file.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UnreadableFileError, match=said):
        load(path, "file.txt")


def test_an_unsupported_kind_is_refused_with_those_that_are(tmp_path: Path):
    (tmp_path / "virus.exe").write_bytes(b"MZ\x90\x00")
    with pytest.raises(UnsupportedFileError, match=r"'\.exe'.*PDF.*Markdown"):
        load(tmp_path / "virus.exe", "virus.exe")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UnreadableFileError, match="cannot be opened: No such file"):
        load(tmp_path / "gone.txt", "gone.txt")


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("index.ingest.loading.MAX_FILE_BYTES", 10)
    path = tmp_path / "large.txt"
    path.write_text("more than ten bytes")
    with pytest.raises(UnreadableFileError, match="19 bytes, at most 10"):
        load(path, "large.txt")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "DUSHANBE, February 4, 2015, Asia-Plus - The Directorate " + "x" * 90,
            "DUSHANBE, February 4, 2015, Asia-Plus",
        ),
        ("\n\n  A short   first line\nand more", "A short first line"),
        ("word " * 40, "word " * 15 + "word…"),
        ("x" * 200, "x" * 80 + "…"),
        ("A well-known fact\nmore", "A well-known fact"),
    ],
)
def test_title_of_text(text, title):
    assert title_of_text(text) == title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n# The Title #\n\ntext", "The Title"),
        ("# One\r\n\r\ntext", "One"),
        ("The Title\n=========\n\ntext", "The Title"),
        ("no heading here\n\n#hashtag", "no heading here"),
        ("### Third level\n\n## Second level\n", "Second level"),
        ("```\n# a comment\n```\n\n# Install C#\n", "Install C#"),
        ("# One\r\rAn old Mac's text", "One"),
        ("# \x0c\n\n## Two\n", "Two"),
        ("# \u2028 One\n", "One"),
        ("# #\n\nwords", "# #"),
    ],
)
def test_title_of_markdown(text, title):
    assert title_of_markdown(text) == title


@given(text=readable.filter(str.strip), title_of=st.sampled_from(TITLES))
def test_every_text_has_a_title_of_one_line(text, title_of):
    title = title_of(text)
    assert title
    assert len(title) <= 81
    assert len(title.splitlines()) == 1


@pytest.mark.parametrize("title_of", TITLES)
@given(text=st.text(st.sampled_from("# =\t\n\r\x0b\x0c\x1c\x85\u2028\u00a0`x")).filter(str.strip))
def test_every_text_of_marks_and_blanks_has_a_title_too(title_of, text):
    title = title_of(text)
    assert title == " ".join(title.split())
    assert title


@pytest.mark.timeout(120)
@pytest.mark.parametrize("title_of", TITLES)
@pytest.mark.parametrize(
    "text",
    ["x" * 5_000_000, "\n" * 5_000_000 + "x", "# x" + " " * 5_000_000 + "x", "#" * 5_000_000,
     "x\n" + "=" * 5_000_000 + "x", "# x" + "# " * 2_500_000 + "x", "x" + " " * 5_000_000 + "x"],
    ids=lambda text: f"{text[:4]!r}",
)  # fmt: skip
def test_a_title_is_found_in_one_go_whatever_the_lines(text, title_of):
    # Time that grew with the square of the length would be days.
    assert len(title_of(text)) <= 81


def test_a_file_of_one_line_and_a_few_nulls_comes_back_as_it_was(tmp_path: Path):
    text = ("word " * 50 + "\0") * 20_000
    path = tmp_path / "long.md"
    path.write_text(text, encoding="utf-8")
    assert load(path, "long.md")[0].document.text == text
