"""Outlook's messages (.msg), by python-oxmsg (extract-msg is under the GPL): made into mails, and read as such."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from typing import Any

from index.errors import UnreadableFileError
from index.formats.content import Content
from index.formats.limits import MAX_PARTS
from index.formats.mail.eml import load_eml
from index.formats.office.containers import refusing_damage

_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_RECIPIENT_TYPE, _RECIPIENT_SMTP, _COPY = 0x0C15, 0x39FE, 2
_SHORT_NAME, _RTF_BODY = 0x3704, 0x1009
_FIRST_YEAR = 1970
"""Years before mean that no date was set."""
_LINE_ENDS = re.compile(r"[\r\n\0]+")


def load_msg(content: bytes) -> Content:
    """Read a message saved by Outlook.

    Args:
        content: The file's bytes.

    Returns:
        Its text, place, metadata and attachments, as of a mail. Messages attached to it, and a body that it holds in
        RTF alone, are not read and named in the notes.

    Raises:
        UnreadableFileError: The file is not a message, or is damaged.
    """
    import oxmsg

    with refusing_damage():
        try:
            message = oxmsg.Message.load(content)
            notes = Counter[str]()
            mail = _mail(message, notes)
        except (AssertionError, MemoryError) as error:
            raise UnreadableFileError(f"damaged: {type(error).__name__} while reading it; restore the file") from error
    read = load_eml(mail.as_bytes())
    missing = tuple(f"{count:,} {what}" for what, count in notes.items())
    return replace(read, notes=read.notes + missing)


def _mail(message: Any, notes: Counter[str]) -> Message:  # noqa: ANN401 (the library has no types)
    mail = MIMEMultipart()
    for name, value in _headers(message):
        if value:
            mail[name] = _LINE_ENDS.sub(" ", value)
    body, page = message.body, message.html_body
    if body and body.strip():
        mail.attach(MIMEText(body, "plain", "utf-8"))
    elif page:
        mail.attach(MIMEText(page, "html", "utf-8"))
    elif message.properties.binary_prop_value(_RTF_BODY):
        notes["text in RTF alone: not read; save the message as HTML or text"] += 1
    for number, attachment in enumerate(message.attachments[:MAX_PARTS], start=1):
        if attachment.file_bytes is None:
            notes["attached message or link: not read; save it as a file of its own"] += 1
            continue
        part = MIMEApplication(attachment.file_bytes)
        name = attachment.file_name or attachment.properties.str_prop_value(_SHORT_NAME) or f"attachment {number}"
        part.add_header("Content-Disposition", "attachment", filename=_LINE_ENDS.sub(" ", name))
        mail.attach(part)
    return mail


def _headers(message: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    said = message.message_headers
    own = message.properties.str_prop_value
    sender = (own(_SENDER_NAME) or "", own(_SENDER_SMTP) or own(_SENDER_ADDRESS) or "")
    yield "From", said.get("From") or _person(*sender)
    to: list[str] = []
    copies: list[str] = []
    for recipient in message.recipients:
        is_copy = recipient.properties.int_prop_value(_RECIPIENT_TYPE) == _COPY
        address = recipient.properties.str_prop_value(_RECIPIENT_SMTP) or recipient.email_address or ""
        (copies if is_copy else to).append(_person(recipient.name or "", address))
    yield "To", said.get("To") or ", ".join(to)
    yield "Cc", said.get("Cc") or ", ".join(copies)
    sent = message.sent_date
    yield "Date", said.get("Date") or (format_datetime(sent) if sent and sent.year >= _FIRST_YEAR else "")
    yield "Subject", message.subject or said.get("Subject") or "(no subject)"


def _person(name: str, address: str) -> str:
    """Return a name with its address; Exchange's own addresses, which nobody types, are left out."""
    if "@" not in address:
        return name or address
    if not name or name == address:
        return address
    return formataddr((name, address)) if name.isascii() else f"{name} <{address}>"
