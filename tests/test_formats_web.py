"""Web pages and books: all of the article, none of the menus."""

import io
import re
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contents import check, checked, place_of
from index.errors import EmptyFileError, UnreadableFileError
from index.formats.tables import Cell, written
from index.formats.web.epub import load_epub
from index.formats.web.html import load_html

PAGES = Path(__file__).parent / "data" / "documents" / "web"


def text_of(html: str) -> str:
    content = load_html(html.encode())
    check(content)
    return content.text


def test_a_page_of_the_python_documentation():
    content = load_html((PAGES / "bisect.html").read_bytes())
    check(content)
    assert content.title == "bisect — Array bisection algorithm"
    assert content.metadata == {"language": "en"}
    assert content.text.startswith("bisect — Array bisection algorithm\n\nSource code: Lib/bisect.py\n\nThis module")
    assert content.text.endswith(">>> data[bisect_left(keys, 8)]\n('yellow', 8)")
    assert (
        "bisect.bisect_left(a, x, lo=0, hi=len(a), *, key=None)\nLocate the insertion point for x in a" in content.text
    )
    assert "all(val < x for val in a[lo : i]) for the left side" in content.text
    assert "Changed in version 3.10: Added the key parameter." in content.text
    assert (
        "\n\ndef index(a, x):\n    'Locate the leftmost value exactly equal to x'\n    i = bisect_left(a, x)\n"
        in content.text
    )
    assert "\n- Bisection is effective for searching ranges of values." in content.text
    for menu in (
        "Quick search",
        "Table of Contents",
        "Previous topic",
        "©",
        "Created using",
        "¶",
        "Report a Bug",
        "Navigation",
    ):
        assert menu not in content.text
    title = "bisect — Array bisection algorithm"
    assert place_of(content, "'Locate the leftmost value") == f"{title} › Searching Sorted Lists"
    assert place_of(content, "Locate the insertion point") == f"{title} › bisect.bisect_left"
    assert place_of(content, "This module provides") == title


def test_a_page_that_docbook_made():
    content = load_html((PAGES / "ch-site.html").read_bytes())
    check(content)
    assert content.text.startswith("Chapter 3. Locally Installed Modules\n\n3.1. Site Directories")
    assert place_of(content, "/usr/local").startswith("Chapter 3. Locally Installed Modules › 3.1. Site Directories")
    for menu in ("Prev", "Next", "Home"):
        assert not re.search(rf"^{menu}$", content.text, re.MULTILINE)
    assert "/usr/local" in content.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "news",
            [
                "Ferry line to Orrin Island reopens",
                "By Maren Tolvik, 14 March 2026",
                "first passengers on Friday",
                "takes 240 people and 36 cars",
                "Sunniva Aas",
                "Nine crossings a day",
                "A ticket costs 12 euros",
                "subsidy of 2.4 million",
                "The pier itself is heated",
            ],
        ),
        (
            "wiki",
            [
                "Tarn of Velle",
                "14 hectares",
                "31 m",
                "formed by a glacier",
                "1,640 m above",
                "fed by three streams",
                "frozen from December",
                "Karel Dvorak",
                "nature reserve.",
                "Arctic char, put in by monks in 1502",
                "Alpine newt",
                "Dipper",
                "Prague 1890, p. 12",
                "Register of nature reserves",
            ],
        ),
        (
            "docs",
            [
                "Requests that fail are sent again",
                "max_retries=4,",
                "Set it to 0",
                "doubled each time",
                "502, 503",
                "RetriesExhausted is raised",
                "for what counts as a failure",
                "print(error.last_status)",
            ],
        ),
        (
            "forum",
            [
                "squeaks above 1000 rpm",
                "Belt. It glazes after five years",
                "6205-2RS",
                "9 euros and ten minutes",
                "Drum squeaks when spinning",
                "oldfitter",
            ],
        ),
        (
            "product",
            [
                "Tessel 40 rucksack",
                "189.00 EUR",
                "In stock: 12",
                "three days in the hills",
                "1,180 g",
                "Loop for an ice axe",
                "46 to 54 cm",
                "FH-40-221",
                "Sits well",
                "side pocket broke",
            ],
        ),
        (
            "meetings",
            [
                "Meetings 2026",
                "8 January 2026: budget",
                "roof of the school",
                "Mill Lane",
                "old fire engine",
                "swimming pool",
                "Ada Quist",
            ],
        ),
        (
            "contact",
            [
                "Harbour office Nessa",
                "Quay 3, 4711 Nessa",
                "0470 55 12",
                "VHF channel 11",
                "h@nessa.example",
                "Saturday: 9 to 12",
                "Jorun Eide",
                "0470 55 99",
            ],
        ),
        (
            "recipe",
            [
                "Barley soup with smoked trout",
                "washing days",
                "For 4 people",
                "150 g pearl barley",
                "1 leek",
                "200 g smoked trout",
                "Dill",
                "until the water stays clear",
                "Sweat the leek",
                "simmer for 50 minutes",
                "only then stir in the trout",
            ],
        ),
    ],
)
def test_a_page_that_marks_no_article_loses_nothing_of_it(name, said):
    content = load_html((PAGES / "unmarked" / f"{name}.html").read_bytes())
    check(content)
    text = " ".join(content.text.split())
    assert [words for words in said if words not in text] == []


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\n two<p>three", "One two\n\nthree"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("caf&eacute; &lt;b&gt; 5&nbsp;&euro;", "café <b> 5 €"),
        ("Ver&shy;trag", "Vertrag"),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "- a\n- b\n  - c\n- d"),
        ("<ol start=3><li>a</li> <li><p>b</p><p>more</p></li></ol>", "3. a\n4. b\n\nmore"),
        ("<p>x<pre>\nif a:\n    b()\n</pre>y", "x\n\nif a:\n    b()\n\ny"),
        ("10<sup>6</sup> m<sup>2</sup>, 1<sup>st</sup>, see<sup>[1]</sup>, H<sub>2</sub>O", "10⁶ m², 1st, see[1], H2O"),
        ("<dl><dt>Term<dd>What it means<dt>Other<dd>That</dl>", "Term\nWhat it means\n\nOther\nThat"),
        ("<p>a</p><hr><p>b", "a\n\nb"),
        ("<button>Menu</button><h2><button>A question?</button></h2><p>yes", "A question?\n\nyes"),
        ("<p>He said <q>no</q>.", "He said “no”."),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<body class=sidebar>text", "text"),
        ("<nav>only a menu</nav>", "only a menu"),
        ("<header>Site</header><p>text<footer>Imprint</footer>", "text"),
        ("<article><header><h1>T</h1></header>x<aside>note</aside></article>", "T\n\nx\n\nnote"),
        ("<p>a</p><p hidden>b</p><p style='display: none'>c</p><p aria-hidden=true>d</p>", "a"),
        ("<main><p>The article</main><div>Elsewhere, less</div>", "The article"),
        ("<main>.</main><div>" + "All of the text. " * 20 + "</div>", ".\n\n" + ("All of the text. " * 20).strip()),
        ("<!DOCTYPE html [<!ENTITY a 'x'>]><p>y", "y"),
        ("<script/>a<div/>b", "a\n\nb"),
    ],
)  # fmt: skip
def test_what_is_shown_is_what_is_read(html, text):
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("<tr><th>Item<th>Cost<tr><td>Travel<td>120 EUR<tr><td>Hotel<td>", "Item: Travel; Cost: 120 EUR\nItem: Hotel"),
        ("<tr><td>a<td>b<tr><td>c<td>d", "a: b\nc: d"),
        ("<caption>Costs</caption><tr><th>Born<td>1958<tr><th>Died<td>2011", "Costs\n\nBorn: 1958\nDied: 2011"),
        ("<tr><th>Y<th colspan=2>Sales<tr><th><th>EU<th>US<tr><td>1<td>2<td>3", "Y: 1; Sales EU: 2; Sales US: 3"),
        ("<tr><th>K<th>V<tr><td rowspan=2>k<td>1<tr><td>2<tr><td>l<td>3", "K: k; V: 1\nK: k; V: 2\nK: l; V: 3"),
        ("<tr><td><h2>Left</h2>x<td><p>y<p>z", "Left\n\nx\n\ny\n\nz"),
        ("<tr><td class=linenos><pre>1\n2</pre><td><pre>a\nb</pre>", "a\nb"),
        ("<tr><td><table><tr><td>1<td>2</table><td>3", "1: 2\n\n3"),
        ("<tr><th>Only<th>headers", "Only; headers"),
    ],
)
def test_tables(table, text):
    assert text_of(f"<table>{table}</table>") == text


def test_cells_that_span_are_bounded():
    wide = [[Cell("h", True, n_columns=10**5, n_rows=10**5)], *([Cell(str(n))] for n in range(1000))]
    assert len(list(written(enumerate(wide, 1)))) == 1001


def test_headings_are_places():
    content = load_html(b"<p>before<h1>Costs</h1>a<h2>Travel <b>abroad</b></h2>b<h2>Food</h2>c<h1>End</h1>d")
    assert [(place.label, content.text[place.start]) for place in content.places] == [
        ("Costs", "C"),
        ("Costs › Travel abroad", "T"),
        ("Costs › Food", "F"),
        ("End", "E"),
    ]


def test_metadata():
    content = load_html(
        b"""<html lang="de-AT"><title>Der Bericht | Zeitung</title><meta name=author content="Ann Lee">
        <meta property="article:published_time" content="2026-05-04T10:00:00Z"><h1>Der Bericht</h1>x"""
    )
    assert content.title == "Der Bericht"
    assert content.metadata == {"author": "Ann Lee", "date": "2026-05-04", "language": "de"}


def test_a_page_without_a_title_says_no_more_than_its_site():
    page = "<title>&lt;no title&gt; &#8212; Python 3.11.2 documentation</title><main>{}<p>Words.</main>"
    assert load_html(page.format("").encode()).title == "Python 3.11.2 documentation"
    assert load_html(page.format("<h2>Late</h2>").encode()).title == "Python 3.11.2 documentation"
    assert load_html(b"<title>&lt;no title&gt;</title><p>Words.").title == ""


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Index &#8212; Python 3.11.2 documentation", "Index \u2013 A", "Index \u2013 A"),
        ("Download &#8212; Python 3.11.2 documentation", "Download Python 3.11.2 Documentation", None),
        ("Ferries - The Harbour", "Ferries", "Ferries"),
        ("", "Ferries", "Ferries"),
        ("Ferries - The Harbour", "", "Ferries - The Harbour"),
        ("The Harbour", "Ferries", "The Harbour"),
    ],
)
def test_a_page_is_called_as_its_heading_where_its_title_begins_so(title, heading, expected):
    content = load_html(f"<title>{title}</title><main><h1>{heading}</h1><p>Words.</main>".encode())
    assert content.title == (heading if expected is None else expected)


@pytest.mark.parametrize(
    "content",
    [
        "<meta charset=iso-8859-1>5 € für Köln".encode("cp1252"),
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">5 € für Köln'.encode("cp1252"),
        '<?xml version="1.0" encoding="ISO-8859-15"?><p>5 € für Köln'.encode("iso-8859-15"),
        "5 € für Köln".encode("utf-16"),
        "<meta charset=latin1>5 € für Köln".encode("utf-8-sig"),
        "<meta charset=no-such>5 € für Köln".encode(),
        "<meta charset=punycode>5 € für Köln".encode(),
        "<meta charset=utf-16>5 € für Köln".encode(),
        "<meta charset=ascii>5 € für Köln, größer".encode("cp1252"),
    ],
)
def test_the_charset_is_what_the_page_declares_or_is(content):
    assert load_html(content).text.startswith("5 € für Köln")


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("x-sjis", "\u0451 日本語 ①"),
        ("windows-31j", "日本語 ①"),
        ("x-cp1251", "Привет, мир – №1"),
        ("csISO88598I", "שלום"),
        ("iso88591", "5 € für Köln"),
        ("big5", "廣東話 㗎"),  # U+35CE is in Hong Kong's characters only
        ("gbk", "中文 㐀 €"),  # U+3400 takes four bytes
        ("ISO-2022-KR", "한국어"),
        ("hz-gb-2312", "中文"),
        ("tis-620", "ภาษาไทย €"),
        ("x-mac-roman", "Café"),
        ("ibm850", "Größe"),
        ("unicodeFFFE", "Größe, größer"),
        ("macintosh", "Café"),
    ],
)
def test_a_charset_has_the_name_that_the_web_gives_it_or_python(declared, text):
    written = {"x-sjis": "cp932", "windows-31j": "cp932", "x-cp1251": "cp1251", "csISO88598I": "iso8859-8",
               "iso88591": "cp1252", "big5": "big5hkscs", "gbk": "gb18030", "tis-620": "cp874",
               "x-mac-roman": "mac-roman", "unicodeFFFE": "utf-8"}.get(declared, declared)  # fmt: skip
    assert load_html(f"<meta charset={declared}><p>{text}".encode(written)).text == text


@pytest.mark.parametrize(
    "hidden",
    ["<script>LEAK</script>", "<style>LEAK</style>", "<script>'<!--' LEAK</script>", "<template>LEAK</template>",
     "<noscript>LEAK</noscript>", "<svg><title>LEAK</title><text>LEAK</text></svg>", "<textarea>LEAK</textarea>",
     "<!-- LEAK -->", "<select><option>LEAK</select>", "<img alt=LEAK title=LEAK>", "<ScRiPt type=x>LEAK</sCrIpT >",
     "<iframe>LEAK</iframe>", "<a class=headerlink>LEAK</a>", "<dialog>LEAK</dialog>", "<?php LEAK ?>",
     "<p hidden>LEAK<p>x"],
)  # fmt: skip
def test_what_is_not_shown_leaks_nowhere(hidden):
    assert "LEAK" not in text_of(f"<p>before {hidden}</p><p>after")


def test_a_page_without_text_is_empty():
    for nothing in (b"", b" ", b"<p> </p>", b"<script>x</script>", b"<!DOCTYPE html>"):
        with pytest.raises(EmptyFileError):
            load_html(nothing)


def test_binary_data_is_no_page():
    with pytest.raises(UnreadableFileError, match="binary"):
        load_html(bytes(range(256)) * 8)


MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<table>", "</table>", "<tr>", "<td rowspan=3>", "<th>", "</td>", "<ul>", "</ul>", "<ol>",
         "<li>", "<dl>", "<dt id=x>", "<dd>", "</dl>", "<pre>", "</pre>", "<h1>", "</h1>", "<h3>",
         "<a>", "#", "</a>", "<sup>",
         "2", "</sup>", "<q>", "<br>", "<main>", "</main>", "<nav>", "</nav>", "<title>", "</title>", "word", " ", "\n",
         "<script>", "</script>", "<!--", "-->", "&amp;", "<", ">", "<p hidden>", "</html>", "</body>", "\0", "é"]
    )
).map("".join)  # fmt: skip


@given(markup=MARKUP)
@example(markup="<table><td><table></table></table></table>")
@example(markup="</html>x</html>y<title>z")
def test_any_markup_is_read(markup):
    checked(load_html, markup.encode())


@given(
    words=st.lists(st.text(st.sampled_from("abcdefgh"), min_size=1), min_size=1),
    markup=MARKUP.filter(lambda markup: "\0" not in markup),
)
def test_words_in_paragraphs_are_never_lost(words, markup):
    paragraphs = "".join(f"<p>{word}</p>" for word in words)
    text = text_of(f"{paragraphs}<div>{markup}</div>" if "<main>" not in markup else paragraphs)
    assert text.split()[: len(words)] == words


@pytest.mark.parametrize("load", [load_html, load_epub])
@given(content=st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(load, content):
    checked(load, content)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "html",
    ["<div>" * 100_000 + "x" + "</div>" * 100_000, "<b>" * 10_000 + "x" + "</i>" * 40_000, "<table><td>" * 20_000 + "x",
     "<ul><li>x" * 20_000, "<" * 300_000 + "x", "&" * 300_000 + "x", "x" + "<a " * 300_000, "<h1>x" * 30_000,
     "<q>x" * 30_000, "<sup>2<a>" * 30_000, "<!DOCTYPE x [" * 30_000 + "x", "x" + "<meta charset" * 30_000,
     "<table><tr><td rowspan=60000>" + "x" * 190 + "<tr><td>y" * 10_000],
    ids=lambda html: html[:12],
)  # fmt: skip
def test_hostile_pages_take_no_longer_than_others(html):
    begun = time.process_time()
    checked(load_html, html.encode())
    assert time.process_time() - begun < 8


def test_a_page_nested_too_deeply_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("index.formats.web.html._MAX_DEPTH", 50)
    content = load_html(b"<p>kept" + b"<div>" * 100 + b"lost")
    assert content.text == "kept"
    assert content.notes == ("nested too deeply: what follows is left out",)


def test_text_beyond_the_limit_is_left_out_with_a_note(monkeypatch):
    monkeypatch.setattr("index.formats.web.html_page.MAX_TEXT_CHARS", 10)
    content = load_html(b"<p>12345<p>12345<p>12345")
    assert content.text == "12345\n\n12345"
    assert content.notes == ("more than 10 characters: what follows is left out",)


def test_fifty_megabytes_on_one_line():
    assert len(load_html(b"word " * 10_000_000).text) == 49_999_999


# Books

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/content.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Book</dc:title>
<dc:creator>Ann Lee</dc:creator><dc:date>2026-05-04T00:00:00Z</dc:date><dc:language>en-GB</dc:language></metadata>
<manifest><item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="cover.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="c"/><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""


def book(**members: str) -> bytes:
    file = io.BytesIO()
    files = {
        "META-INF/container.xml": CONTAINER,
        "OPS/content.opf": PACKAGE,
        "OPS/cover.xhtml": "<html><body><img/></body></html>",
        "OPS/nav.xhtml": "<html><body>One Two</body></html>",
        "OPS/one.xhtml": "<?xml version='1.0'?><html><title/><script src='x'/><body><h1>One</h1><p>First.</p></html>",
        "OPS/two .xhtml": "<html><body><p>Second.</p><h2>Further</h2>on</body></html>",
    } | members
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


def test_a_book_is_read_in_its_order():
    content = load_epub(book())
    check(content)
    assert content.text == "One\n\nFirst.\n\nSecond.\n\nFurther\n\non"
    assert content.title == "The Book"
    assert content.metadata == {"author": "Ann Lee", "date": "2026-05-04", "language": "en"}
    assert [place.label for place in content.places] == ["One", "chapter 4", "Further"]
    assert content.notes == ()


def test_a_protected_chapter_is_said_to_be():
    content = load_epub(book(**{"META-INF/encryption.xml": "<encryption>OPS/one.xhtml</encryption>"}))
    assert content.notes == ("chapter 3 is protected: only its seller's program opens it",)
    assert content.text.startswith("Second.")


def test_an_xml_bomb_in_a_book_is_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(9)
    )
    begun = time.process_time()
    with pytest.raises(UnreadableFileError):
        load_epub(book(**{"OPS/content.opf": bomb + "]><package>&j;</package>"}))
    assert "ha" not in load_epub(book(**{"OPS/one.xhtml": bomb + "]><html><p>&j;</p></html>"})).text.replace(
        "chapter", ""
    )
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"META-INF/container.xml": "<container/>"}, "table of contents is missing"),
        ({"OPS/content.opf": "<package/>"}, "no chapter holds text"),
        ({"OPS/content.opf": "<package"}, "damaged"),
    ],
)
def test_a_damaged_book_is_refused(members, said):
    with pytest.raises(UnreadableFileError, match=said):
        load_epub(book(**members))


@settings(max_examples=50)
@given(data=st.data())
def test_a_book_with_any_byte_changed_is_read_or_refused(data):
    content = bytearray(book())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    checked(load_epub, bytes(content))
