"""Mails: whoever wrote them, and however broken they are."""

import mailbox
import time
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contents import check, checked, place_of
from index.errors import UnreadableFileError
from index.formats.content import Content
from index.formats.mail.eml import load_eml, load_mbox


def written(
    subject: str = "Costs", sender: str = "Ann Lee <ann@example.org>", body: str = "It cost 120 EUR.\n"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "Bob <bob@example.org>"
    message["Date"] = "Mon, 04 May 2026 10:00:00 +0200"
    message["Subject"] = subject
    message.set_content(body)
    return message


def read(message: EmailMessage) -> Content:
    content = load_eml(message.as_bytes(policy=policy.SMTP))
    check(content)
    return content


def test_a_mail():
    content = read(written())
    assert content.text == (
        "From: Ann Lee <ann@example.org>\nTo: Bob <bob@example.org>\nDate: Mon, 04 May 2026 10:00:00 +0200\n"
        "Subject: Costs\n\nIt cost 120 EUR."
    )
    assert content.title == "Costs"
    assert content.metadata == {"author": "Ann Lee <ann@example.org>", "date": "2026-05-04", "subject": "Costs"}
    assert [(place.start, place.label) for place in content.places] == [(0, "mail of 4 May 2026 from Ann Lee")]


def test_words_beyond_ascii():
    content = read(written("Größe: 5 €", '"Müller, Änne" <a@example.org>', "Die Größe ist 5 €.\n"))
    assert "Subject: Größe: 5 €\n" in content.text
    assert content.text.endswith("Die Größe ist 5 €.")
    assert content.places[0].label == "mail of 4 May 2026 from Müller, Änne"


def test_of_text_and_page_the_text_is_read():
    message = written()
    message.add_alternative("<p>It cost <b>120 EUR</b>.", subtype="html")
    assert read(message).text.count("120 EUR") == 1
    assert read(message).parts == ()


def test_a_page_alone_is_read_as_text():
    message = written()
    message.set_content("<style>LEAK</style><h1>Costs</h1><p>120 €</p>", subtype="html", charset="iso-8859-15")
    assert read(message).text.endswith("\n\nCosts\n\n120 €")


def test_attachments_are_parts_with_harmless_names():
    message = written()
    for name in ("../../etc/passwd", "Bericht €.pdf", "a.txt", "a.txt", "C:\\x\\\u202etxt.exe", None):
        message.add_attachment(b"\0\1content", maintype="application", subtype="pdf", filename=name)
    message.add_attachment("attached, not said", filename="notes.txt")
    content = read(message)
    assert [part.name for part in content.parts] == [
        "etc/passwd", "Bericht €.pdf", "a.txt", "a (2).txt", "x/{U+202E}txt.exe", "attachment 6.pdf", "notes.txt",
    ]  # fmt: skip
    assert content.parts[0].content == b"\0\1content"
    assert "attached, not said" not in content.text


def test_a_forwarded_mail_has_a_place_of_its_own():
    message = written("FW: Report", body="See below.\n")
    inner = written("Report", "Carl <carl@example.org>", "The report is late.\n")
    inner.add_attachment(b"x", maintype="image", subtype="png", filename="chart.png")
    message.add_attachment(inner)
    content = read(message)
    assert place_of(content, "See below") == "mail of 4 May 2026 from Ann Lee"
    assert place_of(content, "The report is late") == "mail of 4 May 2026 from Carl"
    assert [part.name for part in content.parts] == ["chart.png"]


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        (b"From: a@b\nSubject: caf\xe9\n\nx", "Subject: café"),
        ("From: a@b\nSubject: café €\n\nx".encode(), "Subject: café €"),
        (b"From: a@b\nSubject: =?nonsense?q?caf=C3=A9?=\n\nx", "Subject: café"),
        (b"From: a@b\nSubject: =?utf-8?b?!!?=\n\nx", "From: a@b"),
        (b"From: a@b\nSubject: long\n  folded\n\nx", "Subject: long folded"),
        (b"From: a@b\nContent-Type: text/plain; charset=nonsense\n\ncaf\xc3\xa9", "\n\ncafé"),
        (b"From: a@b\nContent-Type: text/plain; charset=us-ascii\n\ncaf\xe9 \x96 bar", "\n\ncafé – bar"),
        (b"From: a@b\nContent-Type: ;;;=\n\nbody", "\n\nbody"),
        (b"From: a@b\nContent-Transfer-Encoding: base64\n\n!!!notbase64", "From: a@b"),
        (b"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nnever closed", "never closed"),
        (b"From: a@b\nContent-Type: multipart/mixed\n\nno boundary", "From: a@b"),
        (b"Date: yesterday\nFrom: Ann\n\nx", "Date: yesterday"),
        (b"Subject: only\n\nx", "Subject: only"),
        (b"From: a@b\nContent-Disposition: attachment; filename*=utf-8'x\n\nx", "From: a@b"),
    ],
)
def test_broken_mails(mail, words):
    content = checked(load_eml, mail)
    assert content is not None
    assert words in content.text


def test_what_is_no_mail_is_refused():
    for other in (b"", b"Just some words.", b"key: value\n\nx", bytes(range(256))):
        with pytest.raises(UnreadableFileError, match="not a mail"):
            load_eml(other)


def test_a_mailbox(tmp_path: Path):
    box = mailbox.mbox(tmp_path / "box")
    box.add(written("One", body="From here on, 1.\n\nFrom 2019 it was 2019\n"))
    second = written("Two", "Carl <carl@example.org>")
    second.add_attachment(b"x", maintype="image", subtype="png", filename="chart.png")
    box.add(second)
    box.close()
    content = load_mbox((tmp_path / "box").read_bytes())
    check(content)
    assert [place.label for place in content.places] == [
        "mail of 4 May 2026 from Ann Lee", "mail of 4 May 2026 from Carl",
    ]  # fmt: skip
    assert "\n\nFrom here on, 1.\n\nFrom 2019 it was 2019\n\nFrom: Carl" in content.text
    assert [part.name for part in content.parts] == ["mail 2/chart.png"]


def test_what_is_no_mailbox_is_refused():
    for other in (b"", b"words", b"From: a@b\n\nx"):
        with pytest.raises(UnreadableFileError, match="not a mailbox"):
            load_mbox(other)


@pytest.mark.timeout(60)
def test_ten_thousand_mails_take_ten_times_as_long_as_a_thousand():
    mail = b"From ann Mon May  4 10:00:00 2026\n" + written().as_bytes() + b"\n"
    seconds = []
    for count in (1_000, 10_000):
        begun = time.process_time()
        content = load_mbox(mail * count)
        seconds.append(time.process_time() - begun)
        assert len(content.places) == count
    assert seconds[1] < 30 * seconds[0]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "mail",
    [b"From: a@b\nContent-Type: message/rfc822\n\n" * 3_000, b"From: " + b"a@b, " * 200_000 + b"\n\nx",
     b"From: a@b\nSubject: " + b"=?utf-8?q?x?= " * 100_000 + b"\n\nx", b"From: a@b\n" + b"Cc: x\n" * 100_000,
     b"From: " + b"(" * 100_000 + b"\n\nx", b"From: " + b'"<' * 100_000 + b"\n\nx",
     b"From: a@b\nContent-Type: text/plain" + b"; a=b" * 50_000 + b"\n\nx",
     b"From: a@b\nContent-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 50_000,
     b"".join(b"From: a@b\nContent-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(1500))],
    ids=lambda mail: mail[:30].decode(),
)  # fmt: skip
def test_hostile_mails_take_no_longer_than_others(mail):
    begun = time.process_time()
    checked(load_eml, mail)
    assert time.process_time() - begun < 10


LINES = st.lists(
    st.sampled_from(
        [b"From: a@b", b"Subject: =?utf-8?q?x", b"Content-Type: multipart/mixed; boundary=x", b"--x", b"--x--", b"",
         b"Content-Type: message/rfc822", b"Content-Type: text/html",
         b"Content-Type: multipart/alternative; boundary=x",
         b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: x-uuencode", b"begin 644 \xff", b"<p>x",
         b"Content-Disposition: attachment; filename*0*=a'b'%ff; filename*1=\"", b"caf\xe9", b"\0", b" folded",
         b"Content-Type: text/plain; charset*=utf-16''%00", b"Content-Type: image/png; name==?x?q?y?=", b"Date: 99 99"]
    )
).map(b"\n".join)  # fmt: skip


@settings(max_examples=300)
@given(lines=LINES)
def test_any_lines_are_read_or_refused(lines):
    checked(load_eml, b"From: a@b\n" + lines)
    checked(load_mbox, b"From a 2026\n" + lines)


@given(content=st.binary(max_size=1000))
def test_any_bytes_are_read_or_refused(content):
    checked(load_eml, content)
    checked(load_mbox, content)


ITSELF = "mail of 4 May 2026 from Ann Lee"
WROTE = "On Fri, 1 May 2026 at 10:00, Bob Ray <bob@example.org> wrote"
OUTLOOK = "From: Bob Ray Sent: Friday To: Ann Lee Subject: Costs"


@pytest.mark.parametrize(
    ("body", "new", "older", "place"),
    [
        (
            WROTE.replace(" wrote", "\nwrote") + ":\n\n> When will\n> it be?\n>> Old.\n\nOn Monday.\n",
            "On Monday.",
            "When will\nit be?\nOld.",
            f"older mail ({WROTE}), quoted in {ITSELF}",
        ),
        (
            "Ja.\n\n-----Ursprüngliche Nachricht-----\nVon: Bob\nGesendet: Freitag\nAn: Ann\n\nWann?",
            "Ja.",
            "Wann?",
            f"quoted in {ITSELF}",
        ),
        (
            "Yes.\n\nFrom: Bob Ray\nSent: Friday\nTo: Ann Lee\nSubject: Costs\n\nWhen?",
            "Yes.",
            "When?",
            f"older mail ({OUTLOOK}), quoted in {ITSELF}",
        ),
        ("> When?\n\nOn Monday.", "On Monday.", "When?", f"quoted in {ITSELF}"),
    ],
)
def test_what_a_mail_quotes_is_told_from_what_it_says(body, new, older, place):
    content = read(written(body=body))
    assert place_of(content, new) == ITSELF
    assert place_of(content, older) == place


@pytest.mark.parametrize(
    "body",
    [
        "She wrote: see below.\n\nIt cost 3 > 2 euros.",
        "From: here\nTo: there\n\nthe road is long.",
        "As Ann wrote in 2019, the costs are these:\n\n- tea",
        "I am writing on 3/5/2026 to say:\n\nall is well.",
    ],
)
def test_a_mail_that_quotes_none_has_one_place(body):
    assert len(read(written(body=body)).places) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_mail_saved_as_unicode_text(encoding):
    mail = (
        "From: Ann <a@example.org>\nSubject: Größe\nContent-Type: text/plain; charset=iso-8859-1\n\nDie Größe ist 5 €."
    )
    content = load_eml(mail.encode(encoding))
    assert content.title == "Größe"
    assert content.text.endswith("\n\nDie Größe ist 5 €.")


@given(
    lines=st.lists(st.sampled_from(["> a", ">> b", "", "c", "On 4 May 2026 Bob wrote:", "From: a", "Sent: b", "To: c"]))
)
def test_no_word_of_a_mail_is_lost_between_new_and_older(lines):
    body = "\n".join(lines)
    said = load_eml(b"From: a@b\n\n" + body.encode()).text.removeprefix("From: a@b")
    assert said.split() == body.replace(">", "").split()
