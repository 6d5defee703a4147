"""Answers are read again in their sentence alone: which that is, and what comes of it."""

from qa.decision.features import features
from qa.decision.grouping import group
from qa.reader.cascade import MOST_LOOKED_AT, Cascade, SingleReader
from qa.reader.sentence_rescoring import NOT_THERE, look_closer
from qa.records.calibration import FEATURES, Calibration
from qa.records.span import Span
from test_cascade import hits_of

TEXT = "Rain fell. The dam was built by HOLLIS. It is high. Sheep graze there."
HOLLIS = "The dam was built by HOLLIS."


class Doubting:
    """Finds HOLLIS, and believes it the less the less it is shown: a tenth of a text's characters."""

    def __init__(self):
        self.shown = []

    def read(self, question, passages):
        self.shown += passages
        return [self._spans(text) for text in passages]

    def _spans(self, text):
        at = text.find("HOLLIS")
        other = [Span(0, 4, len(text) / 10 - 3.0)]
        return other if at < 0 else [Span(at, at + 6, len(text) / 10), *other]


def test_the_best_span_is_read_again_in_its_sentence():
    reader = Doubting()
    (spans,) = look_closer(reader, "who?", hits_of(TEXT), reader.read("who?", [TEXT]))
    assert [text.strip() for text in reader.shown[1:]] == [HOLLIS]
    assert abs(spans[0].close_score - len(reader.shown[1]) / 10) < 1e-9
    # The others change with it, and what was read before stays as it was.
    assert abs((spans[1].close_score - spans[1].score) - (spans[0].close_score - spans[0].score)) < 1e-9
    assert [(s.start, s.end, s.score) for s in spans] == [(32, 38, len(TEXT) / 10), (0, 4, len(TEXT) / 10 - 3.0)]


def test_what_is_shown_whole_is_not_read_twice():
    reader = Doubting()
    spans = look_closer(
        reader, "who?", hits_of(HOLLIS, "", f" {HOLLIS}\n"), reader.read("who?", [HOLLIS, "", f" {HOLLIS}\n"])
    )
    assert len(reader.shown) == 3
    assert all(span.close_score == span.score for found in spans for span in found)
    assert look_closer(reader, "who?", hits_of("no words"), [[]]) == [[]]


def test_an_answer_that_is_not_found_again_is_not_there():
    class Blind(Doubting):
        def _spans(self, text):
            return super()._spans(text) if text == TEXT else []

    reader = Blind()
    (spans,) = look_closer(reader, "who?", hits_of(TEXT), reader.read("who?", [TEXT]))
    assert spans[0].close_score == NOT_THERE


def test_a_span_over_two_sentences_is_shown_both():
    class Wide(Doubting):
        def _spans(self, text):
            start, end = text.find("HOLLIS"), text.find("high")
            return [Span(start, end, 5.0)] if 0 <= start < end else [Span(0, 4, 1.0)]

    reader = Wide()
    look_closer(reader, "who?", hits_of(TEXT), reader.read("who?", [TEXT]))
    assert reader.shown[1].strip() == f"{HOLLIS} It is high."


def test_a_reader_alone_looks_closely_at_the_best_passages_only():
    reader = Doubting()
    texts = [f"{TEXT} {'More. ' * n}" for n in range(5)]
    spans = SingleReader(reader).read("who?", hits_of(*texts))
    looked_at = [found[0].close_score != found[0].score for found in spans]
    assert looked_at == [False, False, *[True] * MOST_LOOKED_AT]


def test_the_accurate_reader_of_a_cascade_looks_closely_and_that_counts():
    accurate = Doubting()
    weights = Calibration(0.0, 2.0, 0.5, 0.0, dict.fromkeys(FEATURES, 1.0), 0.0, 0.5, ((0.0, 0.5),))
    cascade = Cascade(Doubting(), accurate, weights, weights)
    hits = hits_of(TEXT, "Nothing is said here.")
    spans = cascade.read("who?", hits)
    assert len(accurate.shown) > 1
    best = group(hits, spans, weights)[0]
    assert best.best.close_score == spans[0][0].close_score < spans[0][0].score
    assert features("who?", best)["close"] == spans[0][0].close_score / 10
