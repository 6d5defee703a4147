"""Subtitles (SubRip and WebVTT): what is said, by whom, without times and marks."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.errors import EmptyFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly
from index.formats.content import Content
from index.formats.limits import MAX_PLACES
from index.formats.text.decoding import decode

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\n]*")
_NEITHER_SAID = re.compile(r"(?:NOTE|STYLE|REGION)\b")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]{0,200}|\d[\d:.]{0,20})?>|\{\\[^{}]{0,200}\}")
_PAUSE_S = 4.0
"""Silence from which what follows is a new paragraph."""


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    lines: list[str]


def load_subtitles(content: bytes) -> Content:
    """Read subtitles.

    Args:
        content: The file's bytes.

    Returns:
        A line for each cue, "Roger: We are in New York" where the speaker is named; a blank line after a pause. Places
        are times, "at 0:12:05". A line that the next cue repeats, as in captions that roll, is read once.

    Raises:
        EmptyFileError: Nothing is said.
        UnreadableFileError: The file is not text.
    """
    text = decode(content).replace("\r\n", "\n").replace("\r", "\n")
    cues = [cue for cue in _cues(text) if cue.lines]
    step = -(-len(cues) // MAX_PLACES) or 1
    said = Assembly()
    before: list[str] = []
    end_s = 0.0
    for number, cue in enumerate(cues):
        fresh = [line for line in cue.lines if line not in before]
        before = cue.lines
        if number % step == 0 and fresh:
            said.stand(f"at {_clock(cue.start_s)}")
        said.add("\n".join(_flowing(fresh)), PARAGRAPH if cue.start_s - end_s >= _PAUSE_S else LINE)
        end_s = cue.end_s
    if not said.length:
        raise EmptyFileError("empty: nothing is said in it")
    return said.content(_title(text), {})


def _cues(text: str) -> Iterator[_Cue]:
    for block in re.split(r"\n[ \t]*\n+", text):
        lines = block.strip("\n").split("\n")
        if _NEITHER_SAID.match(lines[0]):
            continue
        at = next((number for number, line in enumerate(lines[:3]) if _TIMING.fullmatch(line)), None)
        if at is not None and (timing := _TIMING.fullmatch(lines[at])):
            times = timing.groups()
            said = (_bare(line) for line in lines[at + 1 :])
            yield _Cue(_seconds(*times[:4]), _seconds(*times[4:]), [line for line in said if line])


def _seconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(thousandths.ljust(3, "0")) / 1000


def _bare(line: str) -> str:
    named = _VOICE.sub(lambda voice: f"{voice[1].strip()}: " if voice[1].strip() else "", line)
    return " ".join(html.unescape(_TAG.sub("", named)).split())


def _flowing(lines: list[str]) -> Iterator[str]:
    """Join the lines of a cue where one goes on from the other; a dash begins what another says."""
    said = ""
    for line in lines:
        if said and not line.startswith(("-", "–", "—")):  # noqa: RUF001 (dashes as printed)
            said += f" {line}"
            continue
        if said:
            yield said
        said = line
    if said:
        yield said


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _title(text: str) -> str:
    first = text.lstrip("\ufeff").partition("\n")[0]
    return first.removeprefix("WEBVTT").strip(" -\t") if first.startswith("WEBVTT") else ""
