"""What holds of every Content, whatever file it came from."""

from collections.abc import Callable

from index.errors import UnreadableFileError
from index.formats.content import Content


def check(content: Content) -> None:
    starts = [place.start for place in content.places]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(content.text) for start in starts)
    assert all("\n" not in place.label for place in content.places)
    assert len({part.name for part in content.parts}) == len(content.parts)
    assert all(is_harmless(part.name) for part in content.parts)
    assert "\n" not in content.title
    content.text.encode("utf-8")  # no halves of characters


def is_harmless(name: str) -> bool:
    steps = name.split("/")
    return bool(name) and name.isprintable() and not {"", ".", ".."}.intersection(steps) and "\\" not in name


def checked(load: Callable[[bytes], Content], content: bytes) -> Content | None:
    """What a loader makes of the bytes, if it doesn't refuse them; any other exception fails the test."""
    try:
        loaded = load(content)
    except UnreadableFileError as error:
        reason = str(error)
    else:
        check(loaded)
        return loaded
    assert len(reason.splitlines()) == 1
    return None


def place_of(content: Content, words: str) -> str:
    """Where the words stand."""
    at = content.text.index(words)
    return [place.label for place in content.places if place.start <= at][-1]
