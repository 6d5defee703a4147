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


def make_pdf(pages: list[str], size: tuple[float, float] = (595, 842), extra: str = "", tree: str = "") -> bytes:
    """A PDF of pages given as content streams, with Helvetica as /F1."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        tree or f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(pages):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] {extra} "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
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
