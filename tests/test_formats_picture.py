"""Pictures of text become documents by OCR, whatever program saved them."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from contents import check, checked
from index.errors import EmptyFileError, UnreadableFileError
from index.formats import picture
from index.formats.content import Content
from index.formats.kinds import kind_of
from index.formats.pdf import ocr
from index.formats.picture import load_picture

FORMATS = Path(__file__).parent / "data" / "formats"
WORDS = "The yearly rent of shed 14 is 8,640 crowns."


@pytest.fixture(scope="module")
def tesseract() -> None:
    """The program. Without it these tests are skipped, never on CI."""
    if shutil.which("tesseract") is None:
        assert not os.environ.get("CI"), "CI tests OCR: apt-get install tesseract-ocr"
        pytest.skip("NO TESSERACT, OCR IS NOT TESTED; install it with: apt-get install tesseract-ocr")


def drawn(text: str = "The yearly rent of shed 14\nis 8,640 crowns.", mode: str = "RGB") -> Image.Image:
    transparent = mode == "RGBA"
    image = Image.new(mode, (900, 260), (0, 0, 0, 0) if transparent else "white")
    ink = (0, 0, 0, 255) if transparent else "black"
    ImageDraw.Draw(image).text((40, 40), text, fill=ink, font=ImageFont.load_default(48))
    return image


def saved(image: Image.Image, form: str, **given) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **given)
    return file.getvalue()


def read(content: bytes) -> Content:
    loaded = load_picture(content)
    check(loaded)
    return loaded


def in_16_bits() -> bytes:
    return saved(Image.fromarray(np.array(drawn(mode="L"), np.uint16) * 257), "PNG")


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize(
    "content",
    [saved(drawn(), "JPEG"), saved(drawn(mode="RGBA"), "PNG"), in_16_bits(), (FORMATS / "shed.heic").read_bytes()],
    ids=["JPEG", "a PNG without ground", "a PNG of 16 bits", "HEIC"],
)
def test_a_picture_is_read(content):
    assert kind_of("IMG_0001", content).name == "picture"
    assert read(content).text == WORDS


@pytest.mark.usefixtures("tesseract")
def test_the_pages_of_a_tiff_are_places():
    second = drawn("Oslo has twelve sheds.")
    content = read(
        saved(drawn(), "TIFF", save_all=True, append_images=[second], tiffinfo={270: "Fax", 306: "2024:05:04"})
    )
    assert content.text == f"{WORDS}\n\nOslo has twelve sheds."
    assert [(place.start, place.label) for place in content.places] == [(0, "page 1"), (len(WORDS) + 2, "page 2")]
    assert content.metadata == {"date": "2024-05-04", "description": "Fax"}
    assert content.remarks[0].endswith(": 2 pages")


@pytest.mark.usefixtures("tesseract")
def test_a_picture_turned_by_its_camera_is_read_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(saved(drawn().rotate(90, expand=True), "JPEG", exif=exif)).text == WORDS


@pytest.mark.usefixtures("tesseract")
def test_of_an_animation_the_first_frame_is_read():
    content = read(saved(drawn(), "GIF", save_all=True, append_images=[drawn("Other words"), drawn("More")]))
    assert content.text == WORDS
    assert content.notes == ("only the first 1 of 3 frames were read",)


def test_a_picture_without_words_is_empty():
    with pytest.raises(EmptyFileError, match="too small a picture"):
        load_picture(saved(Image.new("RGB", (1, 1)), "PNG"))


def test_without_tesseract_people_are_told_how_to_install_it(monkeypatch):
    monkeypatch.setattr(ocr.shutil, "which", lambda program: None)
    with pytest.raises(UnreadableFileError, match="apt-get install tesseract-ocr"):
        load_picture(saved(drawn(), "PNG"))


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(picture, "MAX_PIXELS", 1_000_000)
    with pytest.raises(UnreadableFileError, match="too large: more than 1 megapixels"):
        load_picture(saved(Image.new("1", (2_000, 2_000)), "PNG"))


def test_a_bomb_is_refused_before_it_is_decoded():
    content = bytearray(saved(Image.new("1", (10, 10)), "BMP"))
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    with pytest.raises(UnreadableFileError, match="too large"):
        load_picture(bytes(content))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "WEBP"])
def test_what_is_damaged_is_refused(form):
    content = saved(drawn(), form)
    for broken in (b"", content[:20], content[: len(content) // 2], b"words"):
        assert checked(load_picture, broken) is None
