"""Mails: headers and body as text, attachments as parts.

Messages are parsed by the standard library's compat32 policy: the newer policies parse every header by a grammar, which
raises exceptions on malformed headers and takes seconds for long ones.
"""

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr

from index.errors import UnreadableFileError
from index.formats.content import Content, Part, Place
from index.formats.limits import MAX_PARTS, MAX_PARTS_BYTES, MAX_TEXT_CHARS
from index.formats.mail.quoting import segments
from index.formats.metadata import mail_date, one_line
from index.formats.naming import Names
from index.formats.text.declared_charset import decode_declared
from index.formats.text.decoding import decode
from index.formats.web.html import load_html

_SHOWN_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MAIL_HEADERS = frozenset({"from", "to", "date", "subject", "received", "message-id", "sender", "return-path"})
_MONTHS = "January February March April May June July August September October November December".split()
_MAX_HEADER_CHARS = 20_000
_MAX_SENDER_CHARS = 1_000
_MAX_MESSAGES_DEEP = 20
"""How deep forwarded mails within forwarded mails are read."""

_MBOX_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]{0,1000}\d{4}[^\n]{0,100}\n")
_QUOTED_MBOX_LINE = re.compile(rb"^>(>*From )", re.MULTILINE)
_CHARS_OUT_OF_PLACE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_REACH_OF_ZEROS = 200
_AS_WRITTEN = frozenset({"", "7bit", "8bit", "binary"})
"""Transfer encodings under which the text stands in the file as it is."""
_ADDRESSES_BREAK = re.compile(r"\s*\r?\n\s*")


@dataclass(slots=True)
class _Reading:
    """Mails as they are read.

    Attributes:
        texts: Text of each mail, forwarded mails included.
        places: Place of each mail.
        parts: Attachments.
        notes: What could not be read.
        n_chars: Length of the texts, separators included.
        n_bytes: Total size of the parts.
        names: Part names already used.
    """

    texts: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    n_chars: int = 0
    n_bytes: int = 0
    names: Names = field(default_factory=Names)

    @property
    def is_full(self) -> bool:
        return self.n_chars > MAX_TEXT_CHARS

    def add_text(self, headers: str, body: str, label: str) -> None:
        """Add a mail: its headers, its own text, and the older mails quoted in it, each with its place."""
        pieces = [(headers, label)] if headers else []
        for each in segments(body):
            older = f"older mail ({each.attribution}), quoted in {label}" if each.attribution else f"quoted in {label}"
            pieces.append((each.text, older if each.is_older else label))
        before = None
        for text, place in pieces:
            self._add(text, place, is_new_place=place != before)
            before = place

    def _add(self, text: str, label: str, *, is_new_place: bool) -> None:
        if self.n_chars + len(text) > MAX_TEXT_CHARS:
            self.notes[f"more than {MAX_TEXT_CHARS:,} characters: {label} and what follows is left out"] = None
            self.n_chars = MAX_TEXT_CHARS + 1
            return
        if is_new_place:
            self.places.append(Place(self.n_chars, label))
        self.texts.append(text)
        self.n_chars += len(text) + 2

    def add_part(self, name: str, content: bytes) -> None:
        if len(self.parts) >= MAX_PARTS or self.n_bytes + len(content) > MAX_PARTS_BYTES:
            self.notes["too many attachments: some are left out"] = None
            return
        self.n_bytes += len(content)
        self.parts.append(Part(self.names.fresh(name), content))

    def content(self, title: str, metadata: dict[str, str]) -> Content:
        return Content(
            "\n\n".join(self.texts), title, tuple(self.places), metadata, tuple(self.notes), tuple(self.parts)
        )


def load_eml(content: bytes) -> Content:
    """Read a mail.

    Args:
        content: The file's bytes.

    Returns:
        Its text: From, To, Date and Subject, a line each, a blank line, and the body; forwarded mails follow.
        The place of each is "mail of 4 May 2026 from Ann Lee", that of a mail quoted in it "quoted in mail of …",
        without the marks of quoted lines; attachments are parts.

    Raises:
        UnreadableFileError: The file is not a mail, or is nested too deeply.
    """
    message = _parsed(content)
    if _MAIL_HEADERS.isdisjoint(name.lower() for name in message.keys()):  # noqa: SIM118 (a message is no dict)
        raise UnreadableFileError("not a mail: it has no sender, date or subject")
    reading = _Reading()
    _read(message, reading, "", 0)
    return reading.content(_header(message, "Subject"), _metadata(message))


def load_mbox(content: bytes) -> Content:
    """Read a mailbox.

    Args:
        content: The file's bytes.

    Returns:
        The texts of its mails, each with its place; attachments are parts, in one folder per mail.

    Raises:
        UnreadableFileError: The file is not a mailbox.
    """
    reading = _Reading()
    number = 0
    for number, mail in enumerate(_split(content), start=1):
        try:
            _read(_parsed(mail), reading, f"mail {number}/", 0)
        except UnreadableFileError as error:
            reading.notes[f"mail {number} is left out: {error}"] = None
        if reading.is_full:
            break
    if not number:
        raise UnreadableFileError("not a mailbox: it does not begin with a line 'From …'")
    return reading.content("", {})


def _split(content: bytes) -> Iterator[bytes]:
    """Split a mailbox into mails and unquote their lines ">From" (mboxrd)."""
    begins = list(_MBOX_LINE.finditer(content))
    if not begins or begins[0].start() > 0:
        return
    ends = [*(begin.start() for begin in begins[1:]), len(content)]
    for begin, end in zip(begins, ends, strict=True):
        yield _QUOTED_MBOX_LINE.sub(rb"\1", content[begin.end() : end])


def _parsed(content: bytes) -> Message:
    transcoded = _transcoded(content)
    try:
        message = message_from_bytes(content if transcoded is None else transcoded)
        for part in message.walk() if transcoded is not None else ():
            if _raw(part, "Content-Transfer-Encoding").strip().lower() in _AS_WRITTEN and not part.is_multipart():
                part.set_param("charset", "utf-8")
        return message  # noqa: TRY300 (whatever fails above is damage)
    except RecursionError as error:
        raise UnreadableFileError("nested too deeply: messages within messages") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # from broken headers of parts
        raise UnreadableFileError(f"damaged: {type(error).__name__} while reading its headers") from error


def _transcoded(content: bytes) -> bytes | None:
    """Return a mail that was saved as Unicode text in UTF-8, without its mark; None for any other."""
    if not content.startswith(_UNICODE_MARKS) and b"\0" not in content[:_REACH_OF_ZEROS]:
        return None
    try:
        return decode(content).encode("utf-8", "replace")
    except UnreadableFileError:
        return None


def _read(message: Message, reading: _Reading, folder: str, depth: int) -> None:
    """Read a mail, then the mails forwarded in it."""
    bodies: list[str] = []
    forwarded: list[Message] = []
    for part in _leaves(message):
        _read_part(part, bodies, forwarded, reading, folder)
    headers = [f"{name}: {words}" for name in _SHOWN_HEADERS if (words := _header(message, name))]
    reading.add_text("\n".join(headers), "\n\n".join(filter(None, bodies)), _label(message))
    for inner in forwarded:
        if depth < _MAX_MESSAGES_DEEP and not reading.is_full:
            _read(inner, reading, folder, depth + 1)
        else:
            reading.notes["forwarded mails are left out where they are nested too deeply"] = None


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts of a mail that are not multipart, in order; of alternatives, the preferred one."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        inner = _messages_in(part)
        if part.get_content_maintype() != "multipart" or not inner:
            yield part
        elif part.get_content_subtype() == "alternative":
            waiting += _alternatives(inner)
        else:
            waiting += reversed(inner)


def _messages_in(part: Message) -> list[Message]:
    inner = part.get_payload() if part.is_multipart() else []
    return [each for each in inner if isinstance(each, Message)]


def _alternatives(parts: list[Message]) -> list[Message]:
    """Choose among alternatives: plain text unless blank, and attachments beside it; otherwise the last one."""
    plain = [part for part in parts if part.get_content_type() == "text/plain" and _text(part).strip()]
    if not plain:
        return parts[-1:]
    return [*(part for part in reversed(parts) if part.get_content_maintype() not in {"text", "multipart"}), plain[0]]


def _read_part(part: Message, bodies: list[str], forwarded: list[Message], reading: _Reading, folder: str) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822" and part.is_multipart():
        forwarded += _messages_in(part)
    elif kind in {"text/plain", "text/html"} and not _is_attached(part):
        try:
            bodies.append(_html(part) if kind == "text/html" else _text(part).strip())
        except UnreadableFileError as error:
            reading.notes[f"part of the mail's text is {error}"] = None
    else:
        reading.add_part(folder + _filename(part, len(reading.parts) + 1), _payload(part))


def _is_attached(part: Message) -> bool:
    disposition = _raw(part, "Content-Disposition").lstrip().lower()
    return disposition.startswith("attachment") or bool(_given_filename(part))


def _given_filename(part: Message) -> str:
    try:
        return _decoded(str(part.get_filename() or ""))
    except (ValueError, LookupError, TypeError, AttributeError):  # from broken parameters
        return ""


def _filename(part: Message, number: int) -> str:
    suffix = mimetypes.guess_extension(part.get_content_type()) or ".bin"
    return _given_filename(part) or f"attachment {number}{suffix}"


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):  # an invalid charset, not needed for bytes
        del part["Content-Type"]
        payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    text = decode_declared(_payload(part), _charset(part))
    return _CHARS_OUT_OF_PLACE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _html(part: Message) -> str:
    charset = _charset(part)
    content = _payload(part)
    # The mail's charset takes precedence over the page's own.
    return load_html(decode_declared(content, charset).encode("utf-8-sig", "replace") if charset else content).text


def _charset(part: Message) -> str:
    try:
        return str(part.get_content_charset() or "")
    except (ValueError, LookupError, TypeError, AttributeError):  # from broken parameters
        return ""


def _raw(message: Message, name: str) -> str:
    """Return a header undecoded; "" if it is missing."""
    return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _header(message: Message, name: str) -> str:
    return " ".join(_decoded(_raw(message, name)).split())


def _decoded(header: str) -> str:
    """Decode a header to one line of text."""
    words = _ADDRESSES_BREAK.sub(" ", header[:_MAX_HEADER_CHARS])
    if not words.isascii():
        words = _decoded_bytes(words.encode("ascii", "surrogateescape") if _is_escaped(words) else words.encode(), "")
    try:
        pieces = decode_header(words)
    except (ValueError, LookupError):  # HeaderParseError, a ValueError, is raised by broken Base64
        return _CHARS_OUT_OF_PLACE.sub("", words)
    return _CHARS_OUT_OF_PLACE.sub("", "".join(_piece(piece, charset) for piece, charset in pieces))


def _piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    # decode_header returns unencoded text in this form.
    return _decoded_bytes(piece, charset) if charset else piece.decode("raw-unicode-escape", "replace")


def _is_escaped(words: str) -> bool:
    try:
        words.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _decoded_bytes(content: bytes, charset: str) -> str:
    try:
        return decode_declared(content, charset)
    except UnreadableFileError:
        return content.decode("cp1252", "replace")


def _label(message: Message) -> str:
    # Parse before decoding: the comma in an encoded "Lee, Ann" does not end an address.
    sender = _ADDRESSES_BREAK.sub(" ", _raw(message, "From")[:_MAX_SENDER_CHARS])
    try:
        name, address = parseaddr(sender)
    except (RecursionError, IndexError):  # comments within comments
        name, address = sender, ""
    sender = one_line(_decoded(name)) or one_line(_decoded(address))
    moment = mail_date(_raw(message, "Date"))
    day = f" of {moment.day} {_MONTHS[moment.month - 1]} {moment.year}" if moment else ""
    return f"mail{day}" + (f" from {sender}" if sender else "")


def _metadata(message: Message) -> dict[str, str]:
    moment = mail_date(_raw(message, "Date"))
    metadata = {
        "author": one_line(_header(message, "From")),
        "date": moment.date().isoformat() if moment else "",
        "subject": one_line(_header(message, "Subject")),
    }
    return {name: words for name, words in metadata.items() if words}
