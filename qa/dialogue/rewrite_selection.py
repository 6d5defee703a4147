"""Which question a follow-up is: of the rewritings by rule, the one that the documents answer best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.records import Hit
from qa.dialogue.query_rewriting import Rewriting, Said, rewritings
from qa.question.coreference import Back, Pointer, pointer_of
from qa.records.answer import Answer

MAX_UNDERSTOOD_CHARS = 1000
_ASKED_CANDIDATES = 4
_LESS_FITTING = 0.8
"""A candidate's confidence counts less by this factor for each unit that it fits less than the likeliest."""
_LATER = 0.7
"""What a candidate counts as fitting less than the one before it, where nothing else is known."""
_STANDS_ALONE = 2.0
"""A question is left as it is where it is answered, no rewriting is, and it has so many times their confidence."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that stands alone, with its answer.

    Attributes:
        question: The question.
        answer: What the documents say to it.
        meant: What it has in place of a pronoun; "" where it had none.
        back: How what was typed points back; None where it stands alone.
    """

    question: str
    answer: Answer
    meant: str = ""
    back: Back | None = None


def understand(
    text: str, past: Sequence[Said], ask: Callable[[str], Answer], search: Callable[[str], list[Hit]]
) -> Understood | None:
    """Understand what was typed, and ask it.

    Args:
        text: What was typed.
        past: What was said before, the latest first.
        ask: Answers a question that stands alone.
        search: Finds the passages for one, best first.

    Returns:
        The question; None where words are left out and nothing before says which.
    """
    pointer = pointer_of(text)
    if pointer is None:
        return Understood(text, ask(text))
    candidates = [each for each in rewritings(text, pointer, past) if len(each.question) <= MAX_UNDERSTOOD_CHARS]
    if not candidates:
        return None if _needs_more(pointer) else Understood(text, ask(text), back=pointer.back)
    return _likeliest(text, pointer, _promising(candidates, search), ask)


def _needs_more(pointer: Pointer) -> bool:
    """Whether nothing can be asked with the words alone."""
    return pointer.back in {Back.ASKED_ANEW, Back.MORE, Back.ABOUT}


def _promising(candidates: list[Rewriting], search: Callable[[str], list[Hit]]) -> list[Rewriting]:
    """The few that are worth reading passages for: those for which the best ones are retrieved, in their order."""
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
