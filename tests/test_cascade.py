"""Two readers in a row: the accurate one reads what the fast one picks, and nothing that was found is lost."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import SpansReader
from index.errors import ModelError
from index.records import Hit, Passage
from index.settings import Settings
from qa.decision.grouping import group
from qa.reader.cascade import ENOUGH, MOST_READ_AGAIN, Cascade, SingleReader, open_reader, pick
from qa.reader.extractive import ACCURATE, CASCADE, FAST, FAST_READER
from qa.records.calibration import FEATURES, Calibration
from qa.records.span import Span

CALIBRATION = Calibration(0.0, 2.0, 0.5, 0.0, dict.fromkeys(FEATURES, 1.0), 0.0, 0.5, ((0.0, 0.5),))
scores = st.integers(-40, 40).map(lambda n: n / 2)


def hits_of(*texts, retrieved=0.0):
    return [
        Hit(Passage(f"{i}.txt", 0, len(text), text), "", "0" * 64, retrieved * -i, 0.5, 1.0)
        for i, text in enumerate(texts)
    ]


class Noting(SpansReader):
    """Notes which passages it was given."""

    def read(self, question, passages):
        self.passages = list(passages)
        return super().read(question, passages)


def cascade_of(fast, accurate):
    return Cascade(
        SpansReader(lambda text: fast[text]), SpansReader(lambda text: accurate[text]), CALIBRATION, CALIBRATION
    )


def test_the_accurate_reader_reads_only_what_the_fast_one_picks():
    accurate = Noting(lambda _: [Span(0, 3, 1.0)])
    fast = {"one": 0.0, "two": 9.0, "six": 8.0, "ten": 7.5, "far": 7.0}
    cascade = Cascade(SpansReader(lambda text: [Span(0, 3, fast[text])]), accurate, CALIBRATION, CALIBRATION)
    cascade.read("which?", hits_of(*fast))
    assert accurate.passages == ["two", "six", "ten"]


def test_a_sure_pick_is_read_alone_and_retrieval_has_a_say():
    spans = [[Span(0, 1, 2.0)], [Span(0, 1, 30.0)], [Span(0, 1, 1.0)]]
    assert pick(hits_of("a", "b", "c"), spans, CALIBRATION) == [1]
    assert pick(hits_of("a", "b", "c", retrieved=100.0), spans, CALIBRATION) == [0]


@given(st.lists(scores, max_size=12))
def test_as_many_are_picked_as_hold_the_answer_nearly_for_sure(values):
    spans = [[Span(0, 1, value)] if value > -15 else [] for value in values]
    picked = pick(hits_of(*"abcdefghijkl"[: len(values)]), spans, CALIBRATION)
    readable = [value for value in values if value > -15]
    assert len(picked) == len(set(picked)) <= min(MOST_READ_AGAIN, len(readable))
    assert bool(picked) == bool(readable)
    best = [values[i] for i in picked]
    assert best == sorted(best, reverse=True)
    if readable:
        assert best[0] == max(readable)
    total = sum(2.718281828 ** (value / 2) for value in readable)
    share = sum(2.718281828 ** (value / 2) for value in best)
    assert len(picked) == min(MOST_READ_AGAIN, len(readable)) or share >= (ENOUGH - 1e-6) * total


@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=8))
def test_what_only_the_fast_reader_read_is_kept_and_never_leads(values):
    texts = [f"passage {i}" for i in range(len(values))]
    fast = {text: [Span(0, 7, first)] for text, (first, _) in zip(texts, values, strict=True)}
    accurate = {text: [Span(0, 9, second)] for text, (_, second) in zip(texts, values, strict=True)}
    hits = hits_of(*texts)
    picked = pick(hits, list(fast.values()), CALIBRATION)
    spans = cascade_of(fast, accurate).read("which?", hits)
    leading = max(spans[i][0].score for i in picked)
    for i, (found, (first, second)) in enumerate(zip(spans, values, strict=True)):
        expected = (9, second) if i in picked else (7, min(leading, found[0].score))
        assert (found[0].end, found[0].score) == expected
        assert found[0].fast_score == first  # of the same words, or of the worst that it found here
    others = [i for i in range(len(values)) if i not in picked]
    for i, j in itertools.combinations(others, 2):  # in their order
        assert (values[i][0] <= values[j][0]) <= (spans[i][0].score <= spans[j][0].score)


def test_a_span_that_the_fast_reader_did_not_find_has_its_lowest_score():
    spans = cascade_of({"a b c": [Span(0, 1, 5.0), Span(2, 3, -1.0)]}, {"a b c": [Span(0, 1, 1.0), Span(4, 5, 2.0)]})
    assert [s.fast_score for s in spans.read("which?", hits_of("a b c"))[0]] == [5.0, -1.0]


def test_the_fast_reader_has_a_say_in_the_order():
    spans = [[Span(0, 1, 2.0, -4.0), Span(2, 3, 1.0, 4.0)]]
    for weight, first in ((0.0, 0), (0.5, 2)):
        calibration = Calibration(weight, 2.0, 0.5, 0.0, {}, 0.0, 0.5, ((0.0, 0.5),))
        assert group(hits_of("x y"), spans, calibration)[0].best.start == first


def test_nothing_retrieved_and_nothing_to_read():
    cascade = cascade_of({"…": []}, {})
    assert cascade.read("which?", []) == []
    assert cascade.read("which?", hits_of("…")) == [[]]


def test_readers_by_name(tmp_path):
    assert isinstance(open_reader(Settings()), Cascade)
    assert isinstance(open_reader(Settings(reader=FAST)), SingleReader)
    assert isinstance(open_reader(Settings(reader=CASCADE)), Cascade)
    own = open_reader(Settings(reader=str(FAST_READER)))
    assert own.calibration == open_reader(Settings(reader=FAST)).calibration
    with pytest.raises(ModelError, match="reader='swift' is neither a folder nor"):
        open_reader(Settings(reader="swift"))
    assert open_reader(Settings(reader=ACCURATE)).calibration.threshold > 0
