"""OpenDocument files whole: numbers, notes, comments, pictures, charts, page headers."""

import shutil

import pytest

from containers import make_zip
from contents import checked, place_of
from index.formats.content import Content
from index.formats.office.opendocument.odf import load_odf
from open_xml import picture_of

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")

SHORT = {
    "o": "office", "t": "table", "x": "text", "d": "drawing", "p": "presentation", "s": "style", "c": "chart",
    "svg": "svg-compatible", "fo": "xsl-fo-compatible",
}  # fmt: skip
SPACES = " ".join(f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for key, name in SHORT.items())
SPACES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def part(body: str, styles: str = "") -> bytes:
    inside = f"<o:automatic-styles>{styles}</o:automatic-styles><o:body>{body}</o:body>"
    return f"<o:document-content {SPACES}>{inside}</o:document-content>".encode()


def read(body: str, styles: str = "", common: str = "", **members: bytes) -> Content:
    """What is read of a file with automatic and common styles, and further members by their names."""
    sheet = f"<o:document-styles {SPACES}>{common}</o:document-styles>".encode()
    content = checked(load_odf, make_zip({"content.xml": part(body, styles), "styles.xml": sheet, **members}))
    assert content is not None
    return content


def text(inside: str, *rest: str, **members: bytes) -> Content:
    return read(f"<o:text>{inside}</o:text>", *rest, **members)


def level(depth: int, form: str, more: str = "") -> str:
    return f'<x:list-level-style-number x:level="{depth}" s:num-format="{form}" {more}/>'


CLAUSES = (
    '<x:list-style s:name="L">' + level(1, "1", 's:num-suffix="."') + level(2, "1", 'x:display-levels="2"')
    + level(3, "a", 's:num-prefix="(" s:num-suffix=")"') + "</x:list-style>"
)  # fmt: skip


def items(*words: str, more: str = "") -> str:
    listed = "".join(f"<x:list-item>{each if '<' in each else f'<x:p>{each}</x:p>'}</x:list-item>" for each in words)
    return f"<x:list {more}>{listed}</x:list>"


def test_numbers_of_lists():
    inner = items("Boats", "<x:p>Ropes</x:p>" + items("New", "Old"))
    first = items("<x:p>Use</x:p>" + inner, "Fees", more='x:style-name="L"')
    again = items("Ending", items("Notice"), more='x:style-name="L" x:continue-numbering="true"')
    anew = items("Other", "<x:p/>", "Last", more='x:style-name="L"')
    assert text(first + again + anew, CLAUSES).text.split() == (
        "1. Use 1.1 Boats 1.2 Ropes (a) New (b) Old 2. Fees 3. Ending 3.1 Notice 1. Other 3. Last".split()
    )


def test_numbers_of_headings():
    levels = level(1, "I") + level(2, "1", 'x:display-levels="2"')
    outline = f"<x:outline-style>{levels}</x:outline-style>".replace("list-level-style-number", "outline-level-style")
    heading = '<x:h x:outline-level="{}" {}>{}</x:h>'.format
    body = heading(1, "", "Use") + heading(2, "", "Boats") + heading(1, 'x:is-list-header="true"', "Preface")
    content = text(body + heading(1, 'x:start-value="5"', "Fees"), "", outline)
    assert [place.label for place in content.places] == ["I Use", "I Use › I.1 Boats", "Preface", "V Fees"]


def style(name: str, said: str, more: str = "") -> str:
    return f'<s:style s:name="{name}" {more}><s:text-properties {said}/></s:style>'


def test_raised_and_struck_words():
    styles = style("Up", 's:text-position="super 58%"') + style("Down", 's:text-position="-33% 58%"')
    styles += style("Out", 's:text-line-through-style="solid"') + style("T1", "", 's:parent-style-name="Up"')
    span = '<x:span x:style-name="{}">{}</x:span>'.format
    words = f"It holds 10{span('T1', '6')} litres, {span('Out', 'or 5, ')}of CO{span('Down', '2')}"
    words += f", since 1931{span('Up', '4')}."
    content = text(f"<x:p>{words}</x:p>", styles)
    assert content.text == "It holds 10⁶ litres, of CO2, since 1931 [4]."
    assert content.remarks == ("left out: 1 struck-through passage",)


def test_notes_and_comments():
    note = "<x:note><x:note-citation>4</x:note-citation><x:note-body><x:p>Or 1932.</x:p></x:note-body></x:note>"
    comment = "<o:annotation><dc:creator>Ann Lee</dc:creator><x:p>Is that so?</x:p></o:annotation>"
    assert text(f"<x:p>Built in 1931{note} by the parish.{comment}</x:p><x:p>End.</x:p>").text.split("\n\n") == [
        "Built in 1931 [4] by the parish.", "[4] Or 1932.", "Comment by Ann Lee: Is that so?", "End.",
    ]  # fmt: skip


def test_page_headers_and_footers_are_read_once_and_without_page_numbers():
    header = "<s:header><x:p>Kestrel Marine, <x:date>4 May</x:date>Falmouth</x:p></s:header>"
    footer = "<s:footer><x:p>Page <x:page-number>1</x:page-number> of <x:page-count>3</x:page-count></x:p></s:footer>"
    off = '<s:header-first s:display="false"><x:p>Off</x:p></s:header-first>'
    off += "<s:footer-left><x:p>KM-2207</x:p></s:footer-left>"
    page = f"<s:master-page>{header}{footer}{off}</s:master-page>"
    content = text("<x:p>Hard hats are worn.</x:p>", "", f"<o:master-styles>{page * 2}</o:master-styles>")
    assert content.text.split("\n\n") == ["Hard hats are worn.", "Kestrel Marine, Falmouth", "KM-2207"]
    assert place_of(content, "Kestrel") == "page header"
    assert place_of(content, "KM-2207") == "page footer"


def frame(inside: str) -> str:
    return f"<d:frame>{inside}</d:frame>"


OBJECT = frame('<d:object xlink:href="./Object 1"/><d:image xlink:href="./ObjectReplacements/Object 1"/>')


def test_charts_and_embedded_objects():
    row = "<t:table-row>{}</t:table-row>".format
    cells = "".join(f"<t:table-cell><x:p>{each}</x:p></t:table-cell>" for each in ("", "North", "South"))
    values = "".join(f"<t:table-cell><x:p>{each}</x:p></t:table-cell>" for each in ("2022", "433", "12"))
    table = f"<t:table><t:table-header-rows>{row(cells)}</t:table-header-rows>{row(values)}</t:table>"
    chart = part(f"<o:chart><c:chart><c:title><x:p>Boats sold</x:p></c:title>{table}</c:chart></o:chart>")
    old = frame('<d:object-ole xlink:href="./Object 2"/>')
    content = text(f"<x:p>See:{OBJECT}{old}</x:p>", **{"Object 1/content.xml": chart})
    assert content.text.split("\n\n") == ["See:", "Chart: Boats sold", "2022; North: 433; South: 12"]
    assert content.notes == ("1 embedded object: not read",)
    sheet = part("<o:text><x:p>Inside.</x:p></o:text>")
    assert text(f"<x:p>See:{OBJECT}</x:p>", **{"Object 1/content.xml": sheet}).text == "See:\n\nInside."


@needs_tesseract
def test_pictures():
    shown = frame('<d:image xlink:href="Pictures/1.png"/><svg:desc>A notice by the quay</svg:desc>')
    content = text(f"<x:p>See:{shown}</x:p>", **{"Pictures/1.png": picture_of("Closed on Mondays")})
    assert content.text.split("\n\n") == ["See:", "Picture: A notice by the quay", "Closed on Mondays"]


def test_what_is_anchored_in_a_cell_is_read_below_the_table():
    box = frame("<d:text-box><x:p>Boxed.</x:p></d:text-box>")
    inner = "<t:table><t:table-row><t:table-cell><x:p>Within.</x:p></t:table-cell></t:table-row></t:table>"
    cell = f"<t:table-cell><x:p>Cell.{box}</x:p>{inner}</t:table-cell>"
    content = text(f"<t:table><t:table-row>{cell}</t:table-row></t:table>")
    assert content.text == "Cell.\n\nBoxed.\n\nWithin."


def test_hidden_sheets_and_what_stands_on_sheets():
    styles = '<s:style s:name="ta1"><s:table-properties t:display="false"/></s:style>'
    comment = "<o:annotation><dc:creator>Ann Lee</dc:creator><x:p>Too dear?</x:p></o:annotation>"
    box = frame("<d:text-box><x:p>Boxed.</x:p></d:text-box>")
    rows = "<t:table-row><t:table-cell><x:p>{}</x:p>{}</t:table-cell></t:table-row>".format
    costs = f'<t:table t:name="Costs">{rows("Rope", comment)}<t:shapes>{box}</t:shapes></t:table>'
    rates = f'<t:table t:name="Rates" t:style-name="ta1">{rows("Secret", "")}</t:table>'
    content = read(f"<o:spreadsheet>{costs}{rates}</o:spreadsheet>", styles)
    assert content.text == "Rope\n\nBoxed.\n\nComment by Ann Lee: Too dear?\n\nSecret"
    assert [place.label for place in content.places] == [
        "Costs, row 1", "Costs, drawing", "Costs, comments", "Rates (hidden sheet), row 1",
    ]  # fmt: skip
    assert content.remarks == ("read, though hidden: Rates",)


def test_hidden_slides():
    styles = '<s:style s:name="dp1"><s:drawing-page-properties p:visibility="hidden"/></s:style>'
    page = "<d:page {}>{}</d:page>".format
    shown = frame("<d:text-box><x:p>Costs</x:p></d:text-box>")
    old = frame("<d:text-box><x:p>Old costs</x:p></d:text-box>")
    body = page("", shown) + page('d:style-name="dp1"', old)
    content = read(f"<o:presentation>{body}</o:presentation>", styles)
    assert place_of(content, "Old costs") == "slide 2 (hidden)"
    assert content.remarks == ("read, though hidden: slide 2",)
