"""What a reader finds in a passage."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a passage that may be the answer.

    Attributes:
        start: Offset of the first character in the passage, in code points.
        end: Offset after the last.
        score: Start and end logit less those of the null answer: log-odds against "not in here".
        fast_score: The same by the fast reader of a cascade, which read it before; 0 where there was none.
        close_score: The same where only its sentence is read (`qa.reader.sentence_rescoring`); 0 before that was done.
    """

    start: int
    end: int
    score: float
    fast_score: float = 0.0
    close_score: float = 0.0
