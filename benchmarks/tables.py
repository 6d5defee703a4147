"""Questions about one row of a list, in several formats: `python benchmarks/tables.py --rows 30 300 --reader fast`.

The lists are made up, by a seed: first and last names are shared by many people, so that most rows resemble the one
that is asked for. Of 60 questions for each list, 40 are about a person in it and 20 about what no row says: a person
who is not there though others have both names, one with names that nobody has, and a column that there is not.
"""

import argparse
import csv
import io
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import openpyxl

import qa

FIRST = (
    "Olga Sara Piet Anna Bram Carla Dirk Elsa Finn Greta Hugo Ines Joost Karin Lars Maud Nils Oona Paul Quinn Rosa Sven"
    " Tess Ugo Vera Wim Xenia Yara Zeno Bente"
).split()
LAST = (
    "Palm Dahl Falk Berg Lind Holm Vos Kuiper Maas Brandt Kroon Visser Stam Bakker Lund Nyberg Sand Rask Thorn Weber"
    " Adler Bloem Carls Drost Engel Faber Groot Haan Ivens Jansz"
).split()
NOBODY = ("Tiberius Quill", "Morgana Pike", "Lazlo Wren", "Ottoline Frost", "Ignatius Marsh")
OCCUPATIONS = (
    "welder nurse baker teacher pilot painter farmer tailor plumber lawyer barber cook miner potter clerk dentist"
).split()
TOWNS = "Lindau Bregenz Tromsø Oslo Falmouth Ostend Ghent Riga Turku Visby Ystad Malmö Delft Gouda Hoorn Zwolle".split()
HEADERS = ("Name", "Occupation", "Town", "Phone", "Member since", "Fee paid")
ASKED: tuple[tuple[str, int], ...] = (
    ("What is the phone number of {}?", 3),
    ("What is the occupation of {}?", 1),
    ("In which town does {} live?", 2),
    ("Since when has {} been a member?", 4),
    ("How much did {} pay as a fee?", 5),
    ("what does {} do for a living", 1),
    ("{} phone", 3),
)
BACKWARDS: tuple[tuple[str, int], ...] = (("Who has the phone number {}?", 3), ("Whose phone number is {}?", 3))
MISSING = ("What is the e-mail address of {}?", "How tall is {}?", "What is the blood group of {}?")


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a list.

    Attributes:
        text: The question.
        answer: The value that answers it; None if no row does.
    """

    text: str
    answer: str | None


def people(n_rows: int, seed: int) -> list[tuple[str, ...]]:
    """Make up the rows of a list, no two with the same name or phone number."""
    chance = random.Random(seed)
    seconds = ("",) if n_rows <= 400 else ("", "-Lou", "-May", "-Kay")
    firsts = [first + second for first in FIRST for second in seconds]
    names = chance.sample([f"{first} {last}" for first in firsts for last in LAST], n_rows)
    phones = chance.sample(range(1000, 1000 + 9 * n_rows), n_rows)
    return [
        (
            name,
            chance.choice(OCCUPATIONS),
            chance.choice(TOWNS),
            str(phone),
            str(chance.randrange(1961, 2025)),
            f"{chance.randrange(20, 90)} crowns",
        )
        for name, phone in zip(names, phones, strict=True)
    ]


def questions(rows: list[tuple[str, ...]], seed: int) -> Iterator[Question]:
    """Ask 40 questions that a row answers, and 20 that none does."""
    chance = random.Random(seed + 1)
    for n, row in enumerate(chance.choices(rows, k=34)):
        asked, column = ASKED[n % len(ASKED)]
        yield Question(asked.format(row[0]), row[column])
    for n, row in enumerate(chance.choices(rows, k=6)):
        asked, column = BACKWARDS[n % len(BACKWARDS)]
        yield Question(asked.format(row[column]), row[0])
    names = {row[0] for row in rows}
    parts = [tuple(name.split()) for name in names]
    crossed = sorted({f"{a[0]} {b[1]}" for a in parts for b in parts} - names)
    for n, name in enumerate(chance.sample(crossed, 10)):
        yield Question(ASKED[n % len(ASKED)][0].format(name), None)
    for n, name in enumerate(NOBODY):
        yield Question(ASKED[n % len(ASKED)][0].format(name), None)
    for n, row in enumerate(chance.choices(rows, k=5)):
        yield Question(MISSING[n % len(MISSING)].format(row[0]), None)


def as_csv(rows: list[tuple[str, ...]]) -> bytes:
    """Write the list as CSV."""
    file = io.StringIO()
    csv.writer(file).writerows([HEADERS, *rows])
    return file.getvalue().encode()


def as_xlsx(rows: list[tuple[str, ...]]) -> bytes:
    """Write the list as a sheet."""
    book = openpyxl.Workbook()
    book.active.title = "Members"
    for row in [HEADERS, *rows]:
        book.active.append([int(value) if value.isdigit() else value for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_html(rows: list[tuple[str, ...]]) -> bytes:
    """Write the list as a web page whose table marks no headers."""
    lines = ("".join(f"<td>{escape(value)}</td>" for value in row) for row in [HEADERS, *rows])
    table = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<title>Members</title><h1>Members</h1><p>All of them.</p><table>{table}</table>".encode()


def as_docx(rows: list[tuple[str, ...]]) -> bytes:
    """Write the list as a Word file."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    cells = ("".join(f"<w:tc><w:p><w:r><w:t>{escape(v)}</w:t></w:r></w:p></w:tc>" for v in r) for r in [HEADERS, *rows])
    table = "".join(f"<w:tr>{row}</w:tr>" for row in cells)
    heading = "<w:p><w:r><w:t>These are the members.</w:t></w:r></w:p>"
    body = f'<w:document xmlns:w="{word}"><w:body>{heading}<w:tbl>{table}</w:tbl></w:body></w:document>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", body)
    return file.getvalue()


def as_pdf(rows: list[tuple[str, ...]]) -> bytes:
    """Write the list as printed columns without rules, the headers on each page."""
    per_page, widths = 45, (40, 150, 240, 320, 380, 470)
    streams = []
    for first in range(0, len(rows), per_page):
        lines = [HEADERS, *rows[first : first + per_page]]
        shown = (
            f"BT /F1 9 Tf {left} {800 - 16 * n} Td ({value}) Tj ET"
            for n, line in enumerate(lines)
            for left, value in zip(widths, line, strict=True)
        )
        streams.append("\n".join(shown))
    return _pdf(streams)


def _pdf(streams: list[str]) -> bytes:
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(streams)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(streams):
        resources = f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    content = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + end.encode()


FORMATS: dict[str, Callable[[list[tuple[str, ...]]], bytes]] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
    "docx": as_docx,
    "html": as_html,
    "pdf": as_pdf,
}


def ask_all(suffix: str, n_rows: int, seed: int, reader: str, *, is_shown: bool) -> None:
    """Ask all questions of one list, and print how many were answered rightly, wrongly and not."""
    rows = people(n_rows, seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "documents"
        folder.mkdir()
        (folder / f"members.{suffix}").write_bytes(FORMATS[suffix](rows))
        begun = time.monotonic()
        with qa.load(folder, index_dir=Path(place) / "index", reader=reader) as answerer:
            indexed = time.monotonic() - begun
            outcomes: Counter[str] = Counter()
            for question in questions(rows, seed):
                answer = answerer.ask(question.text)
                right = answer.answered and question.answer is not None and question.answer in answer.text
                if not answer.answered:
                    outcome = "declined" if question.answer is None else "withheld"
                else:
                    outcome = "right" if right else "wrong"
                outcomes[outcome] += 1
                if is_shown and outcome in {"wrong", "withheld"}:
                    best = answer.alternatives[0].text if answer.alternatives else "-"
                    got = answer.text if answer.answered else f"({best})"
                    print(f"    {outcome}: {question.text} -> {got} {answer.confidence:.2f}, not {question.answer}")
    counts = ", ".join(f"{what} {outcomes[what]}" for what in ("right", "wrong", "withheld", "declined"))
    print(f"{suffix:5} {n_rows:6,} rows, {reader}: {counts}; indexed in {indexed:.1f} s", flush=True)


def main() -> None:
    """Ask about lists of all lengths in all formats."""
    parser = argparse.ArgumentParser(description="Questions about one row of a list, in several formats.")
    parser.add_argument("--rows", type=int, nargs="+", default=[30, 300, 3000])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--reader", default="cascade")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    given = parser.parse_args()
    for n_rows in given.rows:
        for suffix in given.formats:
            ask_all(suffix, n_rows, given.seed, given.reader, is_shown=given.show)


if __name__ == "__main__":
    main()
