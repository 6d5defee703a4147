"""PDF files made by the tests, object by object, and what loaders say of broken files."""

from collections.abc import Callable

from index.errors import UnreadableFileError


def refusal(load: Callable[[bytes], object], content: bytes) -> str:
    """Why a loader refuses a file; "" where it reads it."""
    try:
        load(content)
    except UnreadableFileError as error:
        return str(error)
    return ""


def make_pdf(
    pages: list[str],
    size: tuple[float, float] = (595, 842),
    extra: str = "",
    tree: str = "",
    catalog: str = "",
    more: tuple[str, ...] = (),
) -> bytes:
    """A PDF of pages given as content streams, with Helvetica as /F1; the first of more objects is number 4 + 2 n."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        tree or f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(pages):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] {extra} "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects += more
    content = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + end.encode()


def print_lines(lines: list[tuple[float, float, str]], points: float = 10) -> str:
    """A content stream that prints each line at its place, from the page's lower left corner."""
    printed = (f"BT /F1 {points} Tf {x} {y} Td ({words}) Tj ET" for x, y, words in lines)
    return "\n".join(printed)


def print_paragraph(lines: list[str], x: float = 72, y: float = 700, leading: float = 12) -> str:
    """A content stream that prints lines one below the other."""
    return print_lines([(x, y - leading * number, line) for number, line in enumerate(lines)])


def draw_rules(xs: list[float], ys: list[float]) -> str:
    """A content stream that draws the lines of a table: where columns and rows begin and end."""
    down = [f"{x} {ys[0]} m {x} {ys[-1]} l S" for x in xs]
    across = [f"{xs[0]} {y} m {xs[-1]} {y} l S" for y in ys]
    return "\n".join([*down, *across])


def fill_in(pages: list[str], fields: list[str], more: tuple[str, ...] = ()) -> bytes:
    """A PDF with annotations on its first page, those of them that are fields in a form; more objects follow."""
    first = 4 + 2 * len(pages)
    numbers = [f"{first + number} 0 R" for number in range(len(fields))]
    form = f"/AcroForm << /Fields [{' '.join(numbers)}] >>"
    return make_pdf(pages, extra=f"/Annots [{' '.join(numbers)}]", catalog=form, more=(*fields, *more))


def field(kind: str, name: str, value: str, rectangle: tuple[float, float, float, float], more: str = "") -> str:
    """A form field: /Tx, /Ch or /Btn."""
    box = " ".join(map(str, rectangle))
    return f"<< /Type /Annot /Subtype /Widget /FT /{kind} /T ({name}) /V {value} /Rect [{box}] /F 4 {more} >>"
