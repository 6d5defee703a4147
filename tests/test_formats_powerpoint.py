"""Presentations whole: what stands on slides beside their titles and bullets."""

import shutil

import pytest
from lxml import etree

from contents import checked
from index.formats.content import Content
from index.formats.office.drawing_text import write_out_drawing
from index.formats.office.pptx import load_pptx
from open_xml import RELATIONSHIPS, chart, package, picture_of

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")

P = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    f'xmlns:r="{RELATIONSHIPS}"'
)


def shape(*paragraphs: str, kind: str = "") -> str:
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    words = "".join(each if "<" in each else f"<a:p><a:r><a:t>{each}</a:t></a:r></a:p>" for each in paragraphs)
    return f"<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{words}</p:txBody></p:sp>"


def slide(inside: str, more: str = "") -> str:
    return f"<p:sld {P} {more}><p:cSld><p:spTree>{inside}</p:spTree></p:cSld></p:sld>"


def read(*slides: str, related: dict[str, tuple[str, str | bytes]] | None = None, authors: str = "") -> Content:
    """What is read of a presentation; the slides have further parts by their names."""
    further = related or {}
    ids = "".join(f'<p:sldId r:id="s{number}"/>' for number in range(len(slides)))
    parts: dict[str, str | bytes] = {
        "ppt/presentation.xml": f"<p:presentation {P}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/authors.xml": authors or "<none/>",
        **{f"ppt/s{number}.xml": each for number, each in enumerate(slides)},
        **{f"ppt/{name}": content for name, (_, content) in further.items()},
    }
    main = {f"s{number}": ("slide", f"/ppt/s{number}.xml") for number in range(len(slides))}
    relations = {name: (kind, f"/ppt/{name}") for name, (kind, _) in further.items()}
    main["a"] = ("commentAuthors", "/ppt/authors.xml")
    everything = {f"ppt/s{number}.xml": relations for number in range(len(slides))} | {"ppt/presentation.xml": main}
    if "layout.xml" in further:
        everything["ppt/layout.xml"] = {"m": ("slideMaster", "/ppt/master.xml")}
    content = checked(load_pptx, package("ppt/presentation.xml", parts, everything))
    assert content is not None
    return content


def placed(content: Content) -> list[tuple[str, str]]:
    ends = [*(place.start for place in content.places[1:]), len(content.text)]
    return [
        (place.label, content.text[place.start : end].strip()) for place, end in zip(content.places, ends, strict=True)
    ]


def test_hidden_slides_are_read_and_said_to_be_hidden():
    content = read(slide(shape("Costs")), slide(shape("Old costs"), 'show="0"'))
    assert placed(content) == [("slide 1", "Costs"), ("slide 2 (hidden)", "Old costs")]
    assert content.remarks == ("read, though hidden: slide 2",)


def test_charts_diagrams_groups_and_embedded_files():
    frame = "<p:graphicFrame><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></p:graphicFrame>".format
    inside = (
        frame('<c:chart r:id="c.xml"/>')
        + frame('<dgm:relIds r:dm="d.xml"/>')
        + f"<p:grpSp><p:grpSp>{shape('Grouped.')}</p:grpSp></p:grpSp>"
        + frame('<p:oleObj r:id="terms.docx"><p:pic><a:blip r:embed="preview.png"/></p:pic></p:oleObj>')
    )
    data = f"<dgm:dataModel {P}><dgm:pt><dgm:t><a:p><a:r><a:t>Order</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:dataModel>"
    parts = {
        "c.xml": ("chart", chart("Sold", ["2022", "2023"], North=[1433, 322], South=[12, 8])),
        "d.xml": ("diagramData", data),
        "terms.docx": ("package", b"PK"),
        "preview.png": ("image", b"never read"),
    }
    content = read(slide(inside), related=parts)
    assert content.text.split("\n\n") == [
        "Chart: Sold", "2022; North: 1,433; South: 12\n2023; North: 322; South: 8", "Order", "Grouped.",
    ]  # fmt: skip
    assert [(part.name, part.content) for part in content.parts] == [("terms.docx", b"PK")]
    assert content.notes == ()


@needs_tesseract
def test_pictures_and_films():
    inside = '<p:pic><p:nvPicPr/><a:blip r:embed="p.png"/><a:videoFile r:link="v.mp4"/></p:pic>'
    parts = {"p.png": ("image", picture_of("Closed on Mondays")), "v.mp4": ("video", b"...")}
    content = read(slide(inside), slide(inside), related=parts)
    assert placed(content) == [("slide 1", "Closed on Mondays")]
    assert content.notes == ("1 video: not read",)


@pytest.mark.parametrize(
    "words",
    ["<p:text>Is that so?</p:text>", "<p:txBody><a:p><a:r><a:t>Is that so?</a:t></a:r></a:p></p:txBody>"],
    ids=["before 2021", "since"],
)
def test_comments(words):
    comments = f'<p:cmLst {P}><p:cm authorId="7">{words}</p:cm></p:cmLst>'
    authors = f'<p:cmAuthorLst {P}><p:cmAuthor id="7" name="Ann Lee"/></p:cmAuthorLst>'
    notes = slide(shape("Say hello."))
    parts = {"cm.xml": ("comments", comments), "n.xml": ("notesSlide", notes)}
    assert placed(read(slide(shape("Costs")), related=parts, authors=authors)) == [
        ("slide 1", "Costs"),
        ("slide 1, comments", "Comment by Ann Lee: Is that so?"),
        ("slide 1, notes", "Say hello."),
    ]


def test_footers_and_what_the_master_shows_are_read_once():
    number = '<a:p><a:fld type="slidenum"><a:t>7</a:t></a:fld></a:p>'
    footer = shape("Kestrel Marine", kind="ftr") + shape(number, kind="sldNum")
    master = slide(shape("Click to edit", kind="title") + shape("Confidential"))
    parts = {"layout.xml": ("slideLayout", slide(shape("Strictly"))), "master.xml": ("theme", master)}
    content = read(slide(shape("Costs") + footer), slide(shape("Boats") + footer), related=parts)
    assert placed(content) == [
        ("slide 1", "Costs"),
        ("slide 2", "Boats"),
        ("margins of the slides", "Kestrel Marine\nStrictly\nConfidential"),
    ]


def test_numbers_of_lists():
    def item(words: str, level: int = 0, form: str = "arabicPeriod", more: str = "") -> str:
        bullet = f'<a:buAutoNum type="{form}" {more}/>' if form else ""
        return f'<a:p><a:pPr lvl="{level}">{bullet}</a:pPr><a:r><a:t>{words}</a:t></a:r></a:p>'

    items = [item("Use"), item("Boats", 1, "alphaLcParenR"), item("Ropes", 1, "alphaLcParenR"), item("Fees")]
    items += [item("Canoes", 1, "alphaLcParenR"), item("Break", form=""), item("End", more='startAt="5"')]
    items += [item("More"), item("Odd", form="circleNumDbPlain")]
    assert read(slide(shape(*items))).text.splitlines() == [
        "1. Use", "a) Boats", "b) Ropes", "2. Fees", "a) Canoes", "Break", "5. End", "6. More", "Odd",
    ]  # fmt: skip


def test_raised_struck_and_symbol_runs():
    run = "<a:r><a:rPr {}>{}</a:rPr><a:t>{}</a:t></a:r>".format
    words = run("", "", "850 m") + run('baseline="30000"', "", "2") + run('strike="sngStrike"', "", "or 900")
    words += run('baseline="0"', "", " of CO") + run('baseline="-25000"', "", "2")
    words += run("", '<a:sym typeface="Wingdings"/>', "\uf0fc")
    root = etree.fromstring(f"<a:p {P}>{words}</a:p>")
    assert write_out_drawing(root) == {"struck-through passage": 1}
    assert "".join(root.itertext()) == "850 m² of CO2✓"


def test_a_damaged_slide_is_named_and_the_rest_read():
    content = read("<p:sld", slide(shape("Boats")))
    assert placed(content) == [("slide 2", "Boats")]
    assert content.notes == ("1 part (s0.xml): damaged",)
