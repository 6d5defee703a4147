"""The same in other words, and what contradicts."""

from dataclasses import replace

import pytest

from index.records import Passage
from qa.records.answer import Answer
from qa.response.contradiction import bears_on, date_of, disagree, same_in_other_words


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("3 May 1912", "May 1912"),
        ("14 September 1988", "1988-09-14"),
        ("May 3, 1912", "3rd of May 1912"),
        ("12,000", "twelve thousand"),
        ("3.2 million euros", "3,200,000 euros"),
        ("twenty-eight", "28 people"),
        ("5 pm", "17:00"),
        ("European Medicines Agency", "EMA"),
        ("the European Medicines Agency (EMA)", "EMA"),
        ("Dr. Henrietta Blum", "Henrietta Blum"),
        ("the Salt War", "the war over salt"),
        ("Bergen, Norway", "Bergen"),
    ],
)
def test_the_same_in_other_words(a, b):
    assert same_in_other_words(a, b)
    assert same_in_other_words(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("3 May 1912", "4 May 1912"),
        ("1954", "1957"),
        ("12,000", "1,200"),
        ("17:00", "18:30"),
        ("Jakob Lenz", "Anna Rieder"),
        ("Graz", "Linz"),
        ("EMA", "Food and Drug Administration"),
    ],
)
def test_what_is_not_the_same(a, b):
    assert not same_in_other_words(a, b)


def said(words, sentence):
    start = sentence.index(words)
    return Answer(
        "?", answered=True, text=words, sentence=sentence, start=start, end=start + len(words), sentence_start=0
    )


def test_what_contradicts():
    assert disagree(said("Graz", "She was born in Graz."), said("Linz", "Her place of birth is Linz."))
    assert not disagree(said("Graz", "She was born in Graz."), said("1901", "She was born in 1901."))
    assert not disagree(said("4,987", "It has 4,987 people."), said("5,000", "It has about 5,000 people."))
    assert disagree(said("4,180", "It has 4,180 people."), said("5,600", "It has about 5,600 people."))
    assert not disagree(said("Falk", "In 2019 it went to Falk."), said("Reuter", "In 2020 it went to Reuter."))


def test_words_contradict_only_where_their_sentences_have_most_of_what_is_asked():
    def loosely(question, words, sentence):
        return replace(said(words, sentence), question=question)

    assert disagree(
        loosely("How was the ledger bound?", "in leather", "The ledger was bound in leather."),
        loosely("How was the ledger bound?", "in cloth", "The ledger, bound in cloth, lies in Graz."),
    )
    assert not disagree(
        loosely("Who uses the archive?", "reader", "The reader uses the archive."),
        loosely("Who uses the archive?", "team", "The archive is kept by a team."),
    )


def test_a_passage_bears_on_a_question_whose_names_and_most_terms_it_holds():
    question = "When was the dam of Kessel finished?"
    assert bears_on(question, Passage("a", 0, 10, "The dam of Kessel was finished in 1954."), "")
    assert bears_on(question, Passage("a", 0, 10, "The dam was finished in 1954."), "Kessel")
    assert not bears_on(question, Passage("a", 0, 10, "The dam of Orva was finished in 1954."), "")
    assert not bears_on("When?", Passage("a", 0, 10, "Then."), "")


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Where is the compass 32-1 kept?", "The compass 32-1 is kept in Keld 98.", True),
        ("Where is the compass 32-1 kept?", "The compass 132-1 is kept in Arden 32.", False),
        ("Where is the compass 32-1 kept?", "The compass 32-10 is kept in Arden 1.", False),
        ("Where is the compass 32-1 kept?", "The compass 156-1 is kept in Arden 32.", False),
        ("What did room B12 cost?", "Room B12 cost 400.", True),
        ("What did room B12 cost?", "Room B1 cost 12.", False),
        ("Who won the race in 2019?", "The race of 2019 was won by Ann.", True),
        ("Who won the race in 2019?", "The race of 2018 was won by Ann.", False),
        ("Who led the 5,000 workers?", "The five thousand workers were led by Ann.", True),
        ("Who spoke on the 4th of May?", "On May 4 Ann spoke.", True),
    ],
)
def test_a_passage_bears_on_a_question_whose_numbers_and_codes_it_states_as_a_whole(question, text, expected):
    assert bears_on(question, Passage("a", 0, len(text), text), "") is expected


def test_a_name_within_another_word_is_not_that_name():
    question = "Who owns Orva?"
    assert bears_on(question, Passage("a", 0, 10, "The owner who owns Orva is Ann."), "")
    assert not bears_on(question, Passage("a", 0, 10, "The owner who owns Norvald is Ann."), "")


def test_the_date_that_a_document_bears():
    assert date_of("DUSHANBE, February 4, 2015, Asia-Plus - The court", "a.txt") == "February 4, 2015"
    assert date_of("Nothing here", "2015-02-04 report.txt") == "2015-02-04"
    assert date_of("It was May.", "a.txt") is None
