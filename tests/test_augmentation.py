"""Other ways to write questions and texts: each changes what it says and keeps the rest."""

import random
import re
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from qa.training.data.augmentation import QUESTION_VARIANTS, TEXT_VARIANTS, mistyped

WORDS = st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True)
QUESTIONS = st.lists(WORDS, min_size=1, max_size=9).map(lambda words: f"{' '.join(words)}?")
SEEDS = st.integers(0, 1000)
QUESTION = "When was the Court of Appeal founded?"
TEXT = "The court was founded in 1848.  It sits in Albany, N.Y., by law.\nMr. Jones led it. Nobody else did!"


def ask(name, question, seed=0):
    return QUESTION_VARIANTS[name](question, random.Random(seed))


def write(name, text, seed=0):
    return TEXT_VARIANTS[name](text, random.Random(seed))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lower-case", "when was the court of appeal founded?"),
        ("upper-case", "WHEN WAS THE COURT OF APPEAL FOUNDED?"),
        ("no-mark", "When was the Court of Appeal founded"),
        ("keywords", "When Court Appeal founded"),
    ],
)
def test_what_is_not_chosen(name, said):
    assert {ask(name, QUESTION, seed) for seed in range(20)} == {said}


@pytest.mark.parametrize("name", QUESTION_VARIANTS)
@given(question=st.text(min_size=1, max_size=80), seed=SEEDS)
@example(question="?", seed=0)
@example(question="the a?", seed=0)
def test_any_question_can_be_asked_in_any_way_the_same_for_the_same_seed(name, question, seed):
    assume(question.strip())
    asked = ask(name, question, seed)
    assert asked.strip()
    assert asked == ask(name, question, seed)


@pytest.mark.parametrize("name", {**QUESTION_VARIANTS, **TEXT_VARIANTS})
def test_each_changes_something(name):
    vary = {**QUESTION_VARIANTS, **TEXT_VARIANTS}[name]
    before = QUESTION if name in QUESTION_VARIANTS else TEXT
    assert all(vary(before, random.Random(seed)) != before for seed in range(50))


@given(question=QUESTIONS, seed=SEEDS, n_words=st.integers(0, 3))
@example(question="Letters attached??", seed=3, n_words=1)
def test_a_mistake_is_two_letters_exchanged_or_one_left_out(question, seed, n_words):
    before, after = question.split(" "), mistyped(question, random.Random(seed), n_words).split(" ")
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    long = [word for word in before if len(word) >= 5 and word.isalpha()]
    assert len(changed) == min(n_words, len(long))
    for old, new in changed:
        assert old in long
        assert (old[0], old[-1]) == (new[0], new[-1])
        lost = Counter(old) - Counter(new)
        assert len(new) == len(old) - lost.total()
        if lost:
            assert lost.total() == 1
            assert any(old[:i] + old[i + 1 :] == new for i in range(len(old)))
        else:
            at = next(i for i in range(len(old)) if old[i] != new[i])
            assert old[:at] + old[at + 1] + old[at] + old[at + 2 :] == new


def test_mistakes_are_in_one_word_or_two_and_of_both_kinds():
    texts = [ask("mistyped", QUESTION, seed).split() for seed in range(60)]
    wrong = [[(a, b) for a, b in zip(QUESTION.split(), text, strict=True) if a != b] for text in texts]
    assert {len(changed) for changed in wrong} == {1, 2}
    assert {len(a) - len(b) for changed in wrong for a, b in changed} == {0, 1}
    assert {a for changed in wrong for a, _ in changed} == {"Court", "Appeal"}  # "founded?" has its mark


@pytest.mark.parametrize("name", ["corrected", "polite"])
@given(question=QUESTIONS, seed=SEEDS)
def test_what_is_put_before_a_question_leaves_its_words(name, question, seed):
    asked = ask(name, question, seed)
    assert asked.lower().endswith(f" {question.lower()}")
    assert asked.endswith(question[1:])


@given(question=QUESTIONS, seed=SEEDS)
def test_the_word_that_is_corrected_is_another_one(question, seed):
    wrong, no, _ = ask("corrected", question, seed).lower().split(" ", 2)
    assert wrong in {"who,", "what,", "when,", "where,"}
    assert no == "no,"
    assert wrong[:-1] != re.match(r"\w+", question.lower())[0]


def test_capitals_stay_with_names_and_move_with_other_words():
    assert re.fullmatch(r"(Who|What|Where), no, when was the Court of Appeal founded\?", ask("corrected", QUESTION))
    assert re.fullmatch(r"(who|what|when), no, where is it\?", ask("corrected", "where is it?"))
    assert re.fullmatch(r"\w+, no, Paris lies where\?", ask("corrected", " Paris lies where?"))
    polite = {ask("polite", "What's it?", seed) for seed in range(20)}
    assert polite >= {"Could you tell me what's it?", "I would like to know what's it?"}


@pytest.mark.parametrize("name", ["byline", "dateline", "heading"])
@given(text=st.text(max_size=60), seed=SEEDS)
def test_what_is_put_before_a_text_leaves_it_whole(name, text, seed):
    written = write(name, text, seed)
    assert written.endswith(text)
    assert len(written) > len(text) + 5
    assert written == write(name, text, seed)


def test_what_stands_before_a_text_looks_like_a_report_or_a_document():
    for seed in range(20):
        assert re.match(r"By [A-Z]\w+ [A-Z]\w+, Staff Writer\n\nThe court", write("byline", TEXT, seed))
        assert re.match(r"[A-Z]+, [A-Z][a-z]+\.? \d{1,2} \(Agency\) — The court", write("dateline", TEXT, seed))
        assert re.match(r"## [A-Z][a-z]+\n\nThe court", write("heading", TEXT, seed))
    assert len({write("dateline", TEXT, seed) for seed in range(20)}) > 10


def test_a_list_has_a_line_for_each_sentence():
    assert write("bulleted", TEXT).splitlines() == [
        "- The court was founded in 1848.",
        "- It sits in Albany, N.Y., by law.",
        "- Mr. Jones led it.",
        "- Nobody else did!",
    ]


@given(text=st.lists(st.sampled_from([*TEXT.split(), "Who?", "a", "\n"]), max_size=30).map(" ".join))
def test_a_list_keeps_every_word_in_its_order(text):
    lines = write("bulleted", text).splitlines()
    assert all(line.startswith("- ") for line in lines)
    assert " ".join(line[2:] for line in lines).split() == text.split()
