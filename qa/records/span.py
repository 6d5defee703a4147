"""Span: what a reader finds in a passage."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a passage that may answer the question.

    Attributes:
        start: Offset of the first character in the passage, in code points.
        end: Offset after the last.
        score: Start plus end logit minus those of the null answer: log-odds against "no answer here".
        fast_score: The score by the cascade's fast reader; 0 without a cascade.
        close_score: The score in its sentence alone (`qa.reader.sentence_rescoring`); 0 until computed.
    """

    start: int
    end: int
    score: float
    fast_score: float = 0.0
    close_score: float = 0.0
