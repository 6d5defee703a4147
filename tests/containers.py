"""Files within files, made by the tests."""

import io
import tarfile
import zipfile
from email.message import EmailMessage


def make_zip(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of members by their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def make_tar_gz(members: dict[str, bytes]) -> bytes:
    """A compressed archive of members by their names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def make_mail(
    text: str, attachments: dict[str, bytes] | None = None, sender: str = "Ann Lee <ann@example.org>"
) -> bytes:
    """A mail of 4 May 2026 with attachments by their names."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "Bob <bob@example.org>", "The dredging"
    mail["Date"] = "Mon, 04 May 2026 10:00:00 +0200"
    mail.set_content(text)
    for name, content in (attachments or {}).items():
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()
