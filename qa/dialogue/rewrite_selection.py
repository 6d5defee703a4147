"""Rewrite selection: of the candidate rewritings of a follow-up, choose the one that the documents answer best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.records import Hit
from qa.dialogue.query_rewriting import Rewriting, Said, rewritings
from qa.question.coreference import Back, Pointer, pointer_of
from qa.records.answer import Answer

MAX_UNDERSTOOD_CHARS = 1000
_ASKED_CANDIDATES = 4
_LESS_FITTING = 0.8
"""Factor on a rewriting's confidence for each unit of misfit above the likeliest one's."""
_LATER = 0.7
"""Misfit per position in the order, for a rewriting with the same misfit as the likeliest."""
_STANDS_ALONE = 2.0
"""The question as typed is preferred if only it is answered, with a confidence this many times the best rewriting's."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A self-contained question with its answer.

    Attributes:
        question: The question.
        answer: The answer.
        meant: The phrase that replaced a pronoun; "" if none did.
        back: How the typed question refers back; None if it is self-contained.
    """

    question: str
    answer: Answer
    meant: str = ""
    back: Back | None = None


def understand(
    text: str, past: Sequence[Said], ask: Callable[[str], Answer], search: Callable[[str], list[Hit]]
) -> Understood | None:
    """Resolve a typed question from earlier turns, and ask it.

    Args:
        text: The question as typed.
        past: Earlier turns, latest first.
        ask: Answers a self-contained question.
        search: Retrieves passages for a question, best first.

    Returns:
        The question with its answer; None if words are missing that no earlier turn supplies.
    """
    pointer = pointer_of(text)
    if pointer is None:
        return Understood(text, ask(text))
    candidates = [each for each in rewritings(text, pointer, past) if len(each.question) <= MAX_UNDERSTOOD_CHARS]
    if not candidates:
        return None if _needs_more(pointer) else Understood(text, ask(text), back=pointer.back)
    return _likeliest(text, pointer, _promising(candidates, search), ask)


def _needs_more(pointer: Pointer) -> bool:
    """Return whether the words alone are not a question."""
    return pointer.back in {Back.ASKED_ANEW, Back.MORE, Back.ABOUT}


def _promising(candidates: list[Rewriting], search: Callable[[str], list[Hit]]) -> list[Rewriting]:
    """Return the few rewritings with the best retrieval scores, in their order, so that only those are read."""
    if len(candidates) <= _ASKED_CANDIDATES:
        return candidates
    hits = [search(each.question) for each in candidates]
    scores = [found[0].score if found else 0.0 for found in hits]
    best = sorted(range(len(candidates)), key=lambda i: -scores[i])[:_ASKED_CANDIDATES]
    return [candidates[i] for i in sorted(best)]


def _likeliest(
    text: str, pointer: Pointer, candidates: Sequence[Rewriting], ask: Callable[[str], Answer]
) -> Understood:
    asked = [Understood(each.question, ask(each.question), each.meant, pointer.back) for each in candidates]
    gaps = [each.misfit - candidates[0].misfit or _LATER * i for i, each in enumerate(candidates)]
    weighed = [each.answer.confidence * _LESS_FITTING**gap for each, gap in zip(asked, gaps, strict=True)]
    best = asked[max(range(len(asked)), key=lambda i: weighed[i])]
    if best.answer.answered or _needs_more(pointer) or pointer.back is Back.OTHERS:
        return best
    alone = ask(text)
    if alone.answered and alone.confidence > _STANDS_ALONE * best.answer.confidence:
        return Understood(text, alone)
    return best
