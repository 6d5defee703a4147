"""Documents laid out: what is a heading, an item, a cell, with the offsets of the stored text; nothing is made up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.formats.content import Place
from index.records import Cell, TableRow
from qa.web.documents import layout
from qa.web.documents.elements import Element
from qa.web.documents.layout import elements_of, view_of
from qa.web.documents.markdown_layout import markdown_elements

MARKDOWN = """# Title *x*

Some **bold `code`** and [a link](http://x.y "t") \\* &amp; <b>raw</b>.\x20\x20
Next ![alt](i.png) ![](j.png)

- one
- two
  1. sub

Text.

3. third

> quote
> more

```python
def f(): pass
```

| A | B |
|---|---|
| 1 | two **b** |
| 3 |   |

[ref]: http://zzz
"""


def shown(text: str, elements: list[Element], tag: str) -> list[str]:
    """The shown words in each element of a kind."""
    texts = [each for each in elements if each.tag == "text"]
    outer = [each for each in elements if each.tag == tag]
    return ["".join(text[t.start : t.end] for t in texts if o.start <= t.start < o.end) for o in outer]


def check(text: str, elements: list[Element]) -> None:
    """Elements lie in one another or side by side, in order, and no character is shown twice."""
    open_until = [len(text)]
    at = 0
    for each in elements:
        assert 0 <= each.start <= each.end <= len(text)
        while len(open_until) > 1 and open_until[-1] <= each.start:
            open_until.pop()
        assert each.end <= open_until[-1]
        assert each.start >= at
        if each.tag == "text":
            assert each.start < each.end
            at = each.end
        else:
            open_until.append(each.end)


def test_markdown_is_what_it_says_and_its_markup_is_not_shown() -> None:
    elements = markdown_elements(MARKDOWN)
    check(MARKDOWN, elements)
    assert shown(MARKDOWN, elements, "h") == ["Title x"]
    assert shown(MARKDOWN, elements, "strong") == ["bold code", "b"]
    assert shown(MARKDOWN, elements, "link") == ["a link"]
    assert shown(MARKDOWN, elements, "image") == ["alt", "j.png"]
    assert shown(MARKDOWN, elements, "p")[0] == "Some bold code and a link * &amp; <b>raw</b>.\nNext alt j.png"
    assert shown(MARKDOWN, elements, "li") == ["one", "twosub", "sub", "third"]
    assert [each.number for each in elements if each.tag == "ol"] == [1, 3]
    assert shown(MARKDOWN, elements, "quote") == ["quote\nmore"]
    assert shown(MARKDOWN, elements, "head") == ["A", "B"]
    assert shown(MARKDOWN, elements, "cell") == ["1", "two b", "3", ""]
    assert [each.number for each in elements if each.tag == "cell"] == [0, 1, 0, 1]
    assert shown(MARKDOWN, elements, "pre") == ["def f(): pass", "[ref]: http://zzz"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_markdown_with_any_ends_of_lines_is_the_same(end: str) -> None:
    text = MARKDOWN.replace("\n", end)
    found = markdown_elements(text)
    check(text, found)
    assert [each.tag for each in found] == [each.tag for each in markdown_elements(MARKDOWN)]


PIECES = [*"*_`[]()!<>#|-+\\&~ \n\t1.ab", "\r\n", "\0", "\n\n", "```\n", "| a | b |\n|---|---|\n", "> ", "é🚢"]


@settings(max_examples=100)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_whatever_is_written_keeps_its_offsets(pieces: list[str]) -> None:
    text = "".join(pieces)
    for name in ("a.md", "a.docx"):
        check(text, elements_of(name, text, [Place(0, "ab")])[0])
    words = "".join(text[each.start : each.end] for each in markdown_elements(text) if each.tag == "text")
    assert {char for char in text if char.isalpha()} <= set(words) | set("abé")


def test_what_would_take_too_long_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert elements_of("a.md", "![" * 20_000, []) == ([], [])
    assert elements_of("a.md", "- a\n" * 20_001, []) == ([], [])
    monkeypatch.setattr(layout, "MAX_ELEMENTS", 5)
    assert elements_of("a.md", MARKDOWN, []) == ([], [])


def test_headings_lists_and_paragraphs_of_other_documents() -> None:
    text = "Guide\n\nIntro\nof two lines.\n\nParts\n- One\n- Two\n  - Sub\n\n1. First of all.\n\nEnd"
    elements, heads = elements_of("x.docx", text, [Place(0, "Guide"), Place(28, "Guide › Parts")])
    check(text, elements)
    assert heads == []
    assert [(text[e.start : e.end], e.number) for e in elements if e.tag == "h"] == [("Guide", 1), ("Parts", 2)]
    assert shown(text, elements, "p") == ["Intro\nof two lines.", "1. First of all.", "End"]
    assert shown(text, elements, "li") == ["- One", "- Two", "- Sub"]
    assert [e.number for e in elements if e.tag == "li"] == [0, 0, 1]


def row(table: int, number: int, text: str, line: str, *values: tuple[int, str, str]) -> TableRow:
    start = text.index(line)
    cells = tuple(
        Cell(column, header, start + line.index(value), start + line.index(value) + len(value))
        for column, header, value in values
    )
    headers = {column: header for column, header, _ in values}
    return TableRow(
        table, number, "Costs", tuple(headers.get(at, "") for at in range(max(headers) + 1)), start,
        start + len(line), cells,
    )  # fmt: skip


def test_tables_are_grids_and_those_side_by_side_are_one() -> None:
    lines = ["Item: bolts; Paid: 5", "Age: 31", "Item: nuts; Paid: 6", "Town: Bonn"]
    text = "Before\n\n" + "\n".join(lines[:3]) + "\n\nbetween\n\n" + lines[3]
    rows = [
        row(0, 2, text, lines[0], (0, "Item", "bolts"), (2, "Paid", "5")),
        row(1, 2, text, lines[1], (4, "Age", "31")),
        row(0, 3, text, lines[2], (0, "Item", "nuts"), (2, "Paid", "6")),
        row(2, 9, text, lines[3], (0, "Town", "Bonn")),
    ]
    elements, heads = elements_of("x.xlsx", text, [], rows)
    check(text, elements)
    assert [head.headers for head in heads] == [("Item", "", "Paid", "", "Age"), ("Town",)]
    assert [each.number for each in elements if each.tag == "row"] == [2, 3, 9]
    assert shown(text, elements, "row") == ["bolts531", "nuts6", "Bonn"]
    assert [each.number for each in elements if each.tag == "cell"] == [0, 2, 4, 0, 2, 0]
    assert shown(text, elements, "p") == ["Before", "between"]


def test_slides_are_slides_with_their_titles_and_notes() -> None:
    text = "Title one\n\nbody\n\nnotes here\n\nSecond"
    places = [Place(0, "slide 1"), Place(17, "slide 1, notes"), Place(29, "slide 2")]
    elements, _ = elements_of("x.pptx", text, places)
    check(text, elements)
    assert [(e.number, text[e.start : e.end]) for e in elements if e.tag == "slide"] == [(1, text[:15]), (2, "Second")]
    assert shown(text, elements, "h") == ["Title one", "Second"]
    assert shown(text, elements, "notes") == ["notes here"]


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("a.docx", "document"), ("a/b.MD", "document"), ("a.html", "document"), ("a.xlsx", "sheet"), ("a.ods", "sheet"),
        ("a.csv", "sheet"), ("a.pptx", "slides"), ("a.odp", "slides"), ("a.py", "code"), ("a.json", "code"),
        ("a.txt", "text"), ("README", "text"), ("a.xyz", "text"),
    ],
)  # fmt: skip
def test_each_kind_of_document_has_its_view(name: str, view: str) -> None:
    assert view_of(name, 0) == view
    assert view_of(name, 3) == "text"  # its pages are shown
