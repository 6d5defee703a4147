"""Markup languages, notebooks, subtitles, calendars and contacts: their words without marks, and where they stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contents import check, checked, place_of
from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.mail.contacts import load_contacts
from index.formats.mail.events import load_calendar
from index.formats.markup.light import load_asciidoc, load_org
from index.formats.markup.rst import load_rst
from index.formats.markup.tex import load_tex
from index.formats.markup.xml import load_xml
from index.formats.text.notebook import load_notebook
from index.formats.text.plain import load_markdown
from index.formats.text.subtitles import load_subtitles

LOADERS = (
    load_rst, load_org, load_asciidoc, load_tex, load_xml, load_notebook, load_subtitles, load_calendar, load_contacts,
)  # fmt: skip


def read(load, text: str) -> Content:
    content = load(text.encode())
    check(content)
    return content


RST = """
==========
The Manual
==========

:Author: Ann Lee
:Date: 2026-05-04

.. a comment

Intro with *emphasis*, ``code``, a `link <http://x.org>`_ and :func:`~os.path.join` or :ref:`the rules <rules>`.
It goes on.

.. toctree::

   other

Part
----

- one
- two

3. x

.. function:: foo(a, b)

   Returns something.

   .. versionadded:: 3.5

.. code-block:: python

   x  = *1*

===== =====
Item  Cost
===== =====
Tea   3
Milk  2
===== =====

.. image:: a.png
   :alt: The harbour
"""


def test_restructured_text():
    content = read(load_rst, RST)
    assert content.text == (
        "The Manual\nAuthor: Ann Lee\nDate: 2026-05-04\n\n"
        "Intro with emphasis, code, a link and os.path.join or the rules. It goes on.\n\n"
        "Part\n\n- one\n- two\n\n3. x\n\nfoo(a, b)\n\nReturns something.\n\nNew in version 3.5\n\nx  = *1*\n\n"
        "Item: Tea; Cost: 3\nItem: Milk; Cost: 2\n\nThe harbour"
    )
    assert (content.title, content.metadata) == ("The Manual", {"author": "Ann Lee", "date": "2026-05-04"})
    assert place_of(content, "x  =") == "The Manual › Part"
    assert content.remarks == ("shows pictures that are files of their own: 1",)


def test_restructured_text_reads_no_other_files(tmp_path):
    (tmp_path / "secret.txt").write_text("secret words")
    for directive in ("include", "literalinclude", "raw:: html\n   :file"):
        content = load_rst(f"Words.\n\n.. {directive}:: {tmp_path / 'secret.txt'}\n".encode())
        assert "secret words" not in content.text
        assert content.text.startswith("Words.")


ORG = """#+TITLE: Harbour notes
#+AUTHOR: Ann Lee
#+DATE: <2026-05-04 Mon>
#+OPTIONS: toc:nil
# a comment
* TODO Costs :money:
:PROPERTIES:
:ID: 3
:END:
It cost *120 EUR* and /more/, see [[https://x.org][the page]]. Path a/b/c and 2*3*4.
It goes on.
- one
- two =code=
  goes on

| Item | Cost |
|------+------|
| Tea  | 3    |

#+begin_src python
x = *1*
#+end_src
#+begin_comment
unseen
#+end_comment
** Deeper
Done.
"""


def test_org():
    content = read(load_org, ORG)
    assert content.text == (
        "Harbour notes\n\nAnn Lee\n\nCosts\n\nIt cost 120 EUR and more, see the page. Path a/b/c and 2*3*4. "
        "It goes on.\n- one\n- two code goes on\n\nItem: Tea; Cost: 3\n\nx = *1*\n\nDeeper\n\nDone."
    )
    assert (content.title, content.metadata) == ("Harbour notes", {"author": "Ann Lee", "date": "2026-05-04"})
    assert place_of(content, "Done") == "Costs › Deeper"


ASCIIDOC = """= The Manual
:author: Ann Lee
:toc:
// a comment

== Costs

It cost *120 EUR* and _more_, see https://x.org[the page] and <<rules,the rules>>. snake_case_name stays.

* one
** deeper

[cols="1,1"]
|===
|Item |Cost

|Tea |3
|Milk
|2
|===

[source,python]
----
x = *1*
----

NOTE: Mind the gap.

image::a.png[Quay]
"""


def test_asciidoc():
    content = read(load_asciidoc, ASCIIDOC)
    assert content.text == (
        "The Manual\n\nAnn Lee\n\nCosts\n\n"
        "It cost 120 EUR and more, see the page and the rules. snake_case_name stays.\n\n- one\n- deeper\n\n"
        "Item: Tea; Cost: 3\nItem: Milk; Cost: 2\n\nx = *1*\n\nNOTE: Mind the gap."
    )
    assert (content.title, content.metadata["author"]) == ("The Manual", "Ann Lee")
    assert place_of(content, "NOTE") == "The Manual › Costs"
    assert content.remarks == ("shows pictures that are files of their own: 1",)


TEX = r"""\documentclass{article}
\title{On \emph{Harbours} of M\"unchen}
\author{Ann Lee}
\date{4 May 2026}
% a comment
\begin{document}
\maketitle
\section{Intro}\label{s:i}
The caf\'e costs 5\,\% more --- see~\cite{lee}. $x_1 \le \alpha$.

\subsection*{Part two}
\begin{itemize}
\item One
\item[a)] Two \textbf{bold}
\end{itemize}
\begin{tabular}{lr}
Item & Cost \\ \hline
Tea & 3 \\
\end{tabular}
\begin{figure}\includegraphics{a.png}\caption{The quay}\end{figure}
\begin{verbatim}
x  = 1 % kept
\end{verbatim}
\end{document}
unseen
"""


def test_latex():
    content = read(load_tex, TEX)
    assert content.title == "On Harbours of München"
    assert content.metadata == {"author": "Ann Lee", "date": "4 May 2026"}
    for words in ("The café costs 5 % more — see [lee]. x_1 ≤α.", "- One", "- a) Two bold", "Item: Tea; Cost: 3",
                  "The quay", "x = 1 % kept"):  # fmt: skip
        assert words in content.text
    assert "comment" not in content.text
    assert "unseen" not in content.text
    assert place_of(content, "Two bold") == "Intro › Part two"
    assert content.remarks == ("shows pictures that are files of their own: 1",)


def test_markup_that_cannot_be_rendered_is_kept_as_it_is(monkeypatch):
    monkeypatch.setattr("index.formats.markup.rendering.MAX_RENDERED_CHARS", 10)
    content = read(load_rst, "*Words* of the harbour.\n")
    assert content.text == "*Words* of the harbour.\n"
    assert content.remarks == ("shown with its marks: longer than 10 characters",)
    monkeypatch.undo()
    assert read(load_tex, "% only a comment").text == "% only a comment"


YAML = """---
title: Harbour notes
author:
- Ann Lee
- name: Bob
date: 2026-05-04
# a comment
tags: [a, b]
---
"""
TOML = """+++\r
title = "Harbour notes"\r
authors = ["Ann Lee", "Bob"]\r
date = 2026-05-04\r
tags = ["a", "b"]\r
+++\r
"""


@pytest.mark.parametrize("front", [YAML, TOML], ids=["YAML", "TOML"])
def test_the_front_matter_of_markdown_is_metadata_and_stays_in_the_text(front):
    content = read(load_markdown, f"{front}\n# Costs\n\nWords.\n")
    assert content.text.startswith(front)
    assert content.title == "Harbour notes"
    assert content.metadata == {"author": "Ann Lee, Bob", "date": "2026-05-04", "keywords": "a, b"}
    assert [place.label for place in content.places] == ["Costs"]


@pytest.mark.parametrize("text", ["---\n\n# Costs\n", "---\n[a: b\n---\n\n# Costs\n", "---\na\n---\n\n# Costs\n"])
def test_what_is_no_front_matter_is_text(text):
    content = read(load_markdown, text)
    assert (content.text, content.title, content.metadata) == (text, "Costs", {})


def test_front_matter_that_would_grow_without_end_does_not():
    names = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(30)]
    content = read(load_markdown, "---\n" + "\n".join(names) + "\ntitle: *a29\nauthor: [*a29, Ann]\n---\n\nWords.\n")
    assert content.metadata == {"author": "Ann"}


RECORDS = """<catalog><book id="bk101"><author>Gambardella, Matthew</author><title>XML Guide</title>
<price currency="EUR">44.95</price></book><book id="bk102"><author>Ralls, Kim</author><title>Rain</title>
<price>5.95</price></book><point lat="3" lon="5"/></catalog>"""


def test_records_in_xml():
    assert read(load_xml, RECORDS).text == (
        "id: bk101\nauthor: Gambardella, Matthew\ntitle: XML Guide\nprice: 44.95 (currency: EUR)\n\n"
        "id: bk102\nauthor: Ralls, Kim\ntitle: Rain\nprice: 5.95\n\nlat: 3\nlon: 5"
    )


def test_prose_in_xml():
    content = read(
        load_xml,
        '<article xmlns="http://docbook.org/ns/docbook"><title>Rules</title><section><title>Boats</title>'
        "<para>Every <emphasis>boat</emphasis> pays\n 275 pounds.</para></section></article>",
    )
    assert content.text == "Rules\n\nBoats\n\nEvery boat pays 275 pounds."
    assert (content.title, place_of(content, "275")) == ("Rules", "Rules › Boats")


RSS = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Harbour news</title>
<description>All about it</description><item><title>Dredging &amp; more</title>
<pubDate>Mon, 04 May 2026 10:00:00 +0200</pubDate><dc:creator>Ann Lee</dc:creator>
<description>&lt;p&gt;It cost &lt;b&gt;120&lt;/b&gt; EUR.&lt;/p&gt;</description></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour news</title><updated>2026-05-04T10:00:00Z</updated>
<entry><title>Dredging &amp; more</title><author><name>Ann Lee</name></author><updated>2026-05-04T00:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>It cost <b>120</b> EUR.</p></div></content></entry>
</feed>"""


@pytest.mark.parametrize("feed", [RSS, ATOM], ids=["RSS", "Atom"])
def test_feeds(feed):
    content = read(load_xml, feed)
    assert content.title == "Harbour news"
    assert content.text.endswith("Dredging & more\n2026-05-04, Ann Lee\n\nIt cost 120 EUR.")
    assert place_of(content, "120") == "Dredging & more"


def test_xml_that_is_broken_or_has_entities_of_its_own_is_kept_as_it_is():
    bomb = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'
    assert read(load_xml, bomb).text == bomb
    assert "entities of its own" in read(load_xml, bomb).remarks[0]
    assert "not valid XML" in read(load_xml, "<x><y>Words").remarks[0]
    assert read(load_xml, "<x>" * 250 + "Deep" + "</x>" * 250).text == "Deep"
    with pytest.raises(EmptyFileError):
        load_xml(b"<r><a/></r>")


def test_an_xml_file_says_its_encoding():
    assert load_xml('<?xml version="1.0" encoding="iso-8859-1"?><a>café</a>'.encode("latin-1")).text == "café"


NOTEBOOK = {
    "nbformat": 4,
    "metadata": {"authors": [{"name": "Ann Lee"}]},
    "cells": [
        {"cell_type": "markdown", "source": ["# Costs\n", "\n", "Intro.\n", "## Tea"]},
        {
            "cell_type": "code",
            "source": "print(1 + 1)",
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[31m2\x1b[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": "iVBO", "text/plain": ["<Figure size 1>"]}},
                {"output_type": "execute_result", "data": {"text/plain": "The end"}},
                {"output_type": "error", "ename": "KeyError", "evalue": "'x'"},
            ],
        },
    ],
}  # fmt: skip


def test_a_notebook():
    content = read(load_notebook, json.dumps(NOTEBOOK))
    assert content.text == "# Costs\n\nIntro.\n\n## Tea\n\nprint(1 + 1)\n\n2\n\nThe end\n\nKeyError: 'x'"
    assert (content.title, content.metadata) == ("Costs", {"author": "Ann Lee"})
    assert place_of(content, "The end") == "Costs › Tea"
    assert content.notes == ("1 picture among its outputs: not read",)


def test_a_notebook_of_version_3():
    cells = [{"cell_type": "heading", "level": 2, "source": ["Costs"]}, {"cell_type": "code", "input": ["x = 1"]}]
    content = read(load_notebook, json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert content.text == "## Costs\n\nx = 1"
    with pytest.raises(UnreadableFileError, match="not a notebook"):
        load_notebook(b"[1]")


VTT = """WEBVTT - The interview

NOTE a comment

intro
00:00:01.000 --> 00:00:04.000 align:start
<v Roger Bingham>We are in <b>New York</b> &amp; here

00:05.000 --> 00:08.000
- Is it <00:00:06.000><c>so</c>?
- Yes, it
is.

1:00:10.500 --> 1:00:12.000
is.
Later
"""


def test_webvtt():
    content = read(load_subtitles, VTT)
    assert content.text == "Roger Bingham: We are in New York & here\n- Is it so?\n- Yes, it is.\n\nLater"
    assert content.title == "The interview"
    assert [place.label for place in content.places] == ["at 0:00:01", "at 0:00:05", "at 1:00:10"]


def test_subrip():
    said = '1\r\n00:00:01,000 --> 00:00:04,000\r\n<font color="#fff">Hello</font> {\\an8}there\r\nyou\r\n\r\n2\r\n'
    content = read(load_subtitles, said + "00:00:05,000 --> 00:00:06,000\r\n5 < 6\r\n")
    assert content.text == "Hello there you\n5 < 6"
    with pytest.raises(EmptyFileError):
        load_subtitles(b"WEBVTT\n\n")


CALENDAR = """BEGIN:VCALENDAR
X-WR-CALNAME:Harbour
BEGIN:VEVENT
SUMMARY:Dredging\\, part 2
DTSTART;TZID=Europe/Berlin:20260504T100000
DTEND;TZID=Europe/Berlin:20260504T113000
LOCATION:Quay 14
ORGANIZER;CN=Ann Lee:mailto:ann@example.org
ATTENDEE;CN="Bob, the builder";PARTSTAT=ACCEPTED:mailto:bob@example.org
DESCRIPTION:Bring\\nthe
  plan
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;UNTIL=20261231
BEGIN:VALARM
DESCRIPTION:unseen
END:VALARM
END:VEVENT
BEGIN:VTODO
SUMMARY:Paint
DUE;VALUE=DATE:20260601
END:VTODO
BEGIN:VEVENT
SUMMARY:Regatta
DTSTART;VALUE=DATE:20260701
DTEND;VALUE=DATE:20260703
RRULE:FREQ=MONTHLY;BYDAY=2MO
a damaged line
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar():
    content = read(load_calendar, CALENDAR.replace("\n", "\r\n"))
    assert content.text == (
        "Event: Dredging, part 2\nStart: 2026-05-04 10:00 (Europe/Berlin)\nEnd: 2026-05-04 11:30 (Europe/Berlin)\n"
        "Repeats: every 2 weeks on Monday, Thursday until 2026-12-31\nPlace: Quay 14\n"
        "Organizer: Ann Lee <ann@example.org>\nAttendees: Bob, the builder <bob@example.org>\nBring\nthe plan\n\n"
        "Task: Paint\nDue: 2026-06-01\n\n"
        "Event: Regatta\nStart: 2026-07-01\nEnd: 2026-07-02\nRepeats: FREQ=MONTHLY;BYDAY=2MO"
    )
    assert content.title == "Harbour"
    assert place_of(content, "Paint") == "Paint, 2026-06-01"


CONTACTS = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Ann;;Dr.;
TEL;CELL;VOICE:+49 170 1
item1.EMAIL;type=INTERNET:ann@example.org
ADR;HOME:;;Quay 14;Falmouth;;TR11;UK
PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQ
 SkZJRg
NOTE;ENCODING=QUOTED-PRINTABLE:line=0D=0A=
second
BDAY:19880614
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Bob
TEL;VALUE=uri;TYPE="voice,home":tel:+33-01-23
END:VCARD
"""


def test_contacts():
    content = read(load_contacts, CONTACTS)
    assert content.text == (
        "Name: Dr. Ann Müller\nPhone (cell): +49 170 1\nEmail: ann@example.org\n"
        "Address (home): Quay 14, Falmouth, TR11, UK\nNote: line\nsecond\nBirthday: 1988-06-14\n\n"
        "Name: Bob\nPhone (home): +33-01-23"
    )
    assert place_of(content, "+33") == "Bob"


def test_what_is_no_calendar_and_no_contacts_is_refused():
    for load in (load_calendar, load_contacts):
        with pytest.raises(UnreadableFileError, match="damaged, or no"):
            load(b"Words.")


PIECES = (
    "* H\n", "= H\n", "H\n==\n", "#+begin_src\n", "----\n", "|===\n", "|a|b\n", "\\section{x}", "\\begin{a}", "{", "}",
    "$", "\\item", ".. x::\n", "   y\n", ":r:`z`", "`", "*", "|a|", "<x>", "</x>", "<![CDATA[", "&a;", "word ", "é",
    "00:01.000 --> 00:02.000\n", "BEGIN:VCALENDAR\n", "BEGIN:VEVENT\n", "DTSTART:2026\n", "BEGIN:VCARD\n", "N:;;\n",
    "END:VCARD\n", "N;ENCODING=QUOTED-PRINTABLE:=\n", "\n", "\n\n", " ",
)  # fmt: skip


@pytest.mark.parametrize("load", LOADERS, ids=lambda load: load.__name__)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_markup_is_read_or_refused(load, pieces):
    checked(load, pieces.encode())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("load", [load_org, load_asciidoc, load_subtitles, load_calendar, load_contacts, load_xml])
@pytest.mark.parametrize(
    "unit", ["*", "_", "[[", "<<", "((", "a;", "|", "=", ":", "<v ", "{\\", "\n", "**a", "BEGIN:VCARD\n"]
)
def test_time_grows_with_the_length(load, unit):
    # Time that grew with the square of the length would be hours.
    checked(load, (unit * (300_000 // len(unit))).encode())
