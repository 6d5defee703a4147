"""A title says what a document is about; page numbers, ids, fields, rows and programs' words are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.formats.titles import MAX_NAME_WORDS, best_title, is_title, readable_name, words_of_name

TITLES = """
Annual report 2021
The Rocket 88 sessions
Slipway rules
Node.js in production
ASP.NET security
ISO 9001 quality manual
Form 10-K
Catch-22
2001: A Space Odyssey
Chapter 4: The harbour
Page by page: reading aloud to children
On dating fossils
Numbers and what they mean
From Berlin to Baghdad
To the Lighthouse
Date palms of Oman
Status of women in Norway
No Country for Old Men
Phone repair for beginners
References on lichens
Untitled: a memoir of the studio years
The untitled works of Mark Rothko
Document management in hospitals
Draft horses of Belgium
Copyrights and patents compared
Untying knots; a sailor's guide
Names, places and people
Time and money
Price and quality: is there a link?
Directive 2009/28/EC on renewable energy
RFC 2119
Größenordnungen der Physik
水道の歴史
Правила дорожного движения
كتاب الطبخ
DUSHANBE, February 4, 2015, Asia-Plus
README
""".strip().splitlines()

NONE = """
Page 1 of 4
page 12
Seite 3 von 17
- 4 -
4 / 12
xii
Kestrel Marine Ltd - Page 2 of 9
Campus Attacks Page 17
10811.exe
setup_x64.msi
Thesis-final.tex
C:\\Users\\ann\\Desktop\\letter.doc
0000320193-22-000070
DE-2024-00017
f47ac10b-58cc-4372-a567-0e02b2c3d479
IMG 20240103 114455
Notice Date 06/22/2015
Notice Date 06/22/2015 Effective Date 08/01/2015
Date: 4 May 2026
Invoice No. 2024/118
Tel. +44 1326 555 0101
To: Ann Lee
Ref: KM/44
untitled
Untitled 3
CONFIDENTIAL HB-000417
UNTITLED DOCUMENT
<no title>
Document1
Presentation 2
Microsoft Word - x.doc
Microsoft PowerPoint - Q3 final v2.pptx
Microsoft Office Word - Lease
Unbenannt
Sans titre
無題
Book1
Sheet1
(null)
https://example.org/a/b?c=1
ann@example.org
Copyright 2019 Kestrel Marine Ltd
© 2020 The Authors
Printed on 5 May 2024 by ann
This page intentionally left blank
TABLE OF CONTENTS
Name; City; Phone
Item: Travel; Cost: 120 EUR
No. | Item | Qty | Price
Item Description Qty Unit Price Total
12,400.00
***
06/22/2015
...
""".strip().splitlines()


@pytest.mark.parametrize("words", TITLES)
def test_what_is_a_title(words):
    assert is_title(words)
    assert best_title(words, "Other words.", "scan.pdf") == words


@pytest.mark.parametrize("words", NONE)
def test_what_is_none(words):
    assert not is_title(words)
    assert best_title(words, "", "harbour-rules.pdf") == "harbour rules"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("annual-report_2021.pdf", "annual report 2021"),
        ("in/letters/e-mail policy.docx", "e-mail policy"),
        ("e-mail_policy.docx", "e-mail policy"),
        ("minutes-2021-05-04.txt", "minutes 2021-05-04"),
        ("Order%2066%20of%20May.pdf", "Order 66 of May"),
        ("harbour.rules.v1.2.doc", "harbour rules v1.2"),
        ("backup.tar.gz", "backup"),
        ("UserManual.pdf", "UserManual"),
        ("report (2).pdf", "report"),
        ("README", "README"),
        ("mail.eml/Größe_der_Boote.xlsx", "Größe der Boote"),
        (".pdf", ".pdf"),
        ("___.pdf", "___.pdf"),
        ("東京の水道.pdf", "東京の水道"),
    ],
)
def test_a_files_name_is_made_readable(name, words):
    assert readable_name(name) == words


@pytest.mark.parametrize(
    ("offered", "text", "name", "title"),
    [
        ("Harbour rules", "Page 1 of 4\nMore", "x.pdf", "Harbour rules"),
        ("untitled", "Harbour rules\nMore", "x.pdf", "Harbour rules"),
        ("untitled", "Page 1 of 4\nSome words in between", "harbour-rules.pdf", "harbour rules"),
        ("10811.exe", "Page 1 of 4\nHarbour rules\nMore", "10811.pdf", "Harbour rules"),
        ("", "Page 1 of 4\n1", "0001.pdf", "0001"),
        ("", "29\nhalf of it, which is why\nThe boats came home.\nCosts", "0001.pdf", "Costs"),
        ("user_manual_of_the_crane", "", "x.pdf", "user manual of the crane"),
        ("", "", "costs_2021.csv", "costs 2021"),
    ],
)
def test_the_first_that_is_a_title_is_taken(offered, text, name, title):
    assert best_title(offered, text, name) == title


def test_rows_give_no_title():
    assert best_title("", "Ann Lee and her boats\nMore", "members.csv", is_named_after_file=True) == "members"


@given(offered=st.text(max_size=60), text=st.text(max_size=200), name=st.text(min_size=1).filter(str.strip))
def test_every_file_has_a_title_of_one_line(offered, text, name):
    title = best_title(offered, text, name)
    assert len(title.splitlines()) <= 1
    assert title.strip() or not name.strip(" ./_+%\n\r")


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("leases/oslo/order-4471.pdf", "Rental agreement", "order 4471 oslo leases"),
        ("leases/oslo/Order-4471.pdf", "ORDER of Oslo", "4471 leases"),
        ("minutes_2021-05-04.txt", "Minutes", "2021 05 04"),
        ("harbour rules.pdf", "Harbour rules", ""),
        ("000_3b116a473c1228c7.txt", "", ""),
        ("mail.eml/Größe a.xlsx", "", "Größe mail"),
        ("7/b/KM2207.pdf", "", "KM2207 7"),
        ("/".join("abcdefgh" + chr(97 + n) for n in range(20)), "", None),
    ],
)
def test_the_words_of_a_name_that_nothing_else_says(name, said, words):
    found = words_of_name(name, said)
    assert found == words if words is not None else len(found.split()) == MAX_NAME_WORDS
