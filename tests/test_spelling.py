"""Typing mistakes in questions."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answerer import QuestionAnswerer
from qa.cli.output import print_answer
from qa.dialogue.conversation import Conversation
from qa.question.spelling import Speller, held_by
from qa.records.answer import Answer, Reason
from qa.training.data.augmentation import mistyped

SPELLER = Speller()
TEXT = (
    "Akmal Karimov was trained as a blacksmith by the Zvenigorod guild, says Thompson. Chloroplastids are meant. FRST."
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("whcih of the percnetages was meant?", "which of the percentages was meant?"),
        ("where was akmal karimow trained?", "where was akmal karimov trained?"),  # a name that the text has
        ("who is in the zvenigorodd guild", "who is in the zvenigorod guild"),
        ("what are chloroplastds?", "what are chloroplastids?"),
        ("Wehre was he trained?", "Where was he trained?"),
        ("who was Kairmov trained by?", "who was Karimov trained by?"),
        ("what was trianed and tarined?", "what was trained and trained?"),
    ],
)
def test_what_is_mistyped_is_understood(typed: str, meant: str) -> None:
    assert SPELLER.respelled(typed, held_by(TEXT)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "Where was Akmal Karimov trained?",
        "What did Thomson say?",  # that is another person
        "What did Karimow say?",
        "what is a chloroplastid?",  # another form of a word that the text has
        "which septicemia is meant?",  # English, though it does not stand in the text
        "what is GRND, and what FRST?",
        "what is frst.txt, x/frst, frst-3 or a@frst.com?",
        "wer wurde wegen welcher Vergehen verurteilt?",  # most of it is no English
        "quand est-ce que le forgeron travaillait?",
        "what is qzxvkjw?",
        "the goverment of the goverments, goverment " * 20 + "trianed tarined whcih percnetage xgovern guidl guildd",
        "",
    ],
)
def test_what_is_not_mistyped_stays(typed: str) -> None:
    assert SPELLER.respelled(typed, held_by(TEXT)) == typed


def test_the_documents_decide_between_words() -> None:
    assert SPELLER.respelled("how frst was it?", held_by("It was the first.")) == "how first was it?"
    assert SPELLER.respelled("how frst was it?", held_by("It was frosty: all the frost!")) == "how frost was it?"


@given(st.text(), st.text())
def test_any_question_is_taken(question: str, text: str) -> None:
    meant = SPELLER.respelled(question, held_by(text))
    assert len(meant.split()) == len(question.split())
    assert SPELLER.respelled(question, held_by(text)) == meant


@given(seed=st.integers(0, 10_000))
def test_a_mistake_in_a_long_word_that_the_text_holds_is_mended(seed: int) -> None:
    question = "what is the photosynthesis of international governments?"
    typed = mistyped(question, random.Random(seed))
    assert SPELLER.respelled(typed, held_by("International governments need photosynthesis.")) == question


def test_the_index_tells_words_in_any_form_and_in_one(
    make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "guild.txt").write_text(TEXT, encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    library = answerer._library
    words = ["karimov", "blacksmiths", "trained", "training", "karimow", "guild"]
    assert library.words_held(words) == {"karimov", "blacksmiths", "trained", "training", "guild"}
    assert library.words_held(words, as_written=True) == {"karimov", "trained", "guild"}


def test_it_is_answered_as_meant_and_told_as_typed(
    folder: Path, make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    (folder / "river.txt").write_text("The river of the country is called OXUS.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    typed, meant = "what is the rvier of the contry called?", "what is the river of the country called?"
    answer, expected = answerer.ask(typed), answerer.ask(meant)
    assert answer == replace(expected, question=typed, understood=meant)
    assert expected.understood is None
    assert answerer.search(typed) == answerer.search(meant)
    read, expected = (answerer.read(question, "The river is the OXUS of the country.") for question in (typed, meant))
    assert read == replace(expected, question=typed, understood=meant)
    turn = Conversation(answerer).ask(typed)
    assert (turn.asked, turn.understood, turn.text) == (typed, meant, "OXUS")


def test_who_insists_is_asked_letter_by_letter(folder: Path, make_answerer: Callable[..., QuestionAnswerer]) -> None:
    (folder / "river.txt").write_text("The river of the country is called OXUS.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    typed = "what is the rvier of the contry called?"
    alone = answerer.ask(typed, as_typed=True)
    assert alone.understood is None
    assert alone.confidence < answerer.ask(typed).confidence
    turn = Conversation(answerer).ask(typed, understood=typed)
    assert (turn.asked, turn.understood, turn.answer) == (typed, typed, alone)


def test_the_command_line_says_how_it_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer("whcih?", answered=False, reason=Reason.NO_SPAN_FOUND)
    print_answer(answer)
    assert "asked as" not in capsys.readouterr().out
    print_answer(replace(answer, understood="which?"))
    assert "asked as: which?\n" in capsys.readouterr().out
