"""What an abbreviation stands for: which questions ask it, which texts say it, and that those are found among many."""

import pytest

from fakes import HashEmbedder
from index.library import Library
from index.records import Document
from index.retrieval.acronyms import abbreviation_asked, spells_out


@pytest.mark.parametrize(
    ("question", "abbreviation"),
    [
        ("What does SCNS stand for?", "SCNS"),
        ("what does the acronym wal stand for", "wal"),
        ("What do the letters JA mean?", "JA"),
        ("What is FATA short for?", "FATA"),
        ("what is AT&T an abbreviation of?", "AT&T"),
        ("What is the full name of the IMU?", "IMU"),
        ("ISI stands for what?", "ISI"),
        ("What does resistance mean?", None),
        ("What does the candidate of the party stand for?", None),
        ("What is the full name of the organisation's founder?", None),
        ("Who is the head of the ISI?", None),
    ],
)
def test_which_questions_ask_it(question, abbreviation):
    assert abbreviation_asked(question) == abbreviation


@pytest.mark.parametrize(
    ("text", "abbreviation"),
    [
        ("The State Committee for National Security (SCNS) said so.", "SCNS"),
        ("They used SCNS (the State Committee for National Security) funds.", "scns"),
        ("Its members belong to the Islamic Movement of Uzbekistan, or IMU, of which little is known.", "IMU"),
        ('A new "Write-Ahead Log" option (hereafter referred to as "WAL") is available.', "WAL"),
        ('A new "write-ahead log" option (WAL) is available.', "WAL"),
        ("HyperText Markup Language (HTML)", "HTML"),
        ("SQL: Structured Query Language", "SQL"),
        ("AT&T was the American Telephone & Telegraph company.", "AT&T"),
    ],
)
def test_which_texts_say_it(text, abbreviation):
    assert spells_out(text, abbreviation)


@pytest.mark.parametrize(
    ("text", "abbreviation"),
    [
        ("The WAL file is always in the same directory as the database.", "WAL"),
        ("The ISI gave them money; it sent inspectors.", "ISI"),
        ("He fell off a wall. Was all lost?", "wal"),
        ("The State Committee for National Security was founded in 1995.", "SCNS"),
        ("SCNSX is the State Committee for National Security.", "SCNS"),
        ("", "SCNS"),
        ("-- and && are operators", "&&"),
        (f"AAAAAAAAAB: {'A ' * 200}", "AAAAAAAAAB"),  # each of which may be passed over, or not
    ],
)
def test_which_texts_do_not(text, abbreviation):
    assert not spells_out(text, abbreviation)


def test_of_many_passages_that_use_it_the_one_that_says_it_comes_first(folder, tmp_path):
    index = Library(folder, HashEmbedder(), tmp_path / "index")
    uses = [f"What the WAL does to stand for file {i}: the WAL, a WAL, every WAL." for i in range(80)]
    says = "Since then there is a Write-Ahead Log (WAL), too, in each of the directories that are written to."
    texts = {f"{i:03}.txt": text for i, text in enumerate([*uses, says])}
    index.write(Document(name, text, "", f"{name:0>64}") for name, text in texts.items())
    names = [hit.passage.document for hit in index.search("What does WAL stand for?", 10)]
    assert names[0] == "080.txt"
    assert len(set(names)) == 10
    assert [hit.passage.document for hit in index.search("What does WAL stand for?", 1, ["003.txt"])] == ["003.txt"]
    assert "080.txt" not in [hit.passage.document for hit in index.search("What does the WAL do for file 3?", 10)]
    for question in ("What does && stand for?", "What does -- stand for?", 'What does "WAL" stand for?'):
        assert len(index.search(question, 3)) == 3
    index.close()
