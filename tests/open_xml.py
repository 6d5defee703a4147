"""Office Open XML files, made by the tests part by part, and pictures of words."""

import io
import zipfile

from PIL import Image, ImageDraw, ImageFont

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_RELATIONSHIPS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    f'xmlns:r="{RELATIONSHIPS}" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)

Part = tuple[str, str | bytes]
"""Type of the relationship to a part, and its content."""


def package(main: str, parts: dict[str, str | bytes], related: dict[str, dict[str, Part | str]]) -> bytes:
    """An Office file.

    `related` has, for each part, its relationships by their ids: type and name of the target.
    """
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relationships({"rId1": ("officeDocument", f"/{main}")}),
        **parts,
    }
    for part, targets in related.items():
        folder, _, base = part.rpartition("/")
        members[f"{folder}/_rels/{base}.rels"] = relationships(targets)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def relationships(targets: dict[str, tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{name}" Type="{RELATIONSHIPS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'
    )


def word_file(body: str, **parts: Part) -> bytes:
    """A Word document; each further part is related by the name of its argument."""
    names = {name: f"word/{name}{'' if '.' in name else '.xml'}" for name in parts}
    return package(
        "word/document.xml",
        {
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            **{names[name]: content for name, (_, content) in parts.items()},
        },
        {"word/document.xml": {name: (kind, f"/{names[name]}") for name, (kind, _) in parts.items()}},
    )


def chart(title: str, categories: list[str], **series: list[float]) -> str:
    """The part of a bar chart with the values of each series."""

    def cached(points: list[object], kind: str) -> str:
        listed = "".join(f'<c:pt idx="{place}"><c:v>{point}</c:v></c:pt>' for place, point in enumerate(points))
        code = "<c:formatCode>#,##0</c:formatCode>" if kind == "num" else ""
        return f"<c:{kind}Ref><c:{kind}Cache>{code}{listed}</c:{kind}Cache></c:{kind}Ref>"

    drawn = "".join(
        f"<c:ser><c:tx>{cached([name], 'str')}</c:tx><c:cat>{cached(categories, 'str')}</c:cat>"
        f"<c:val>{cached(values, 'num')}</c:val></c:ser>"
        for name, values in series.items()
    )
    words = f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{title}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    return f"<c:chartSpace {W}><c:chart>{words}<c:barChart>{drawn}</c:barChart></c:chart></c:chartSpace>"


def picture_of(words: str, size: tuple[int, int] = (600, 100)) -> bytes:
    """A PNG of words in black on white."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((30, 30), words, "black", ImageFont.load_default(48))
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return packed.getvalue()
