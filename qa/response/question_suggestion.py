"""Questions that the documents do answer, made by rule from sentences near those that could not be."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.records import Passage
from index.retrieval.lexical import terms
from index.retrieval.proximity import words_of
from qa.question.coreference import pointer_of
from qa.records.answer import Answer
from qa.text.shallow_parsing import PREPOSITIONS, is_participle, is_plural, names_in

MAX_SUGGESTIONS = 2
_MOST_ASKED = 4
_MAX_QUESTION_WORDS = 16
_STEM_CHARS = 5

_SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\S)[^.!?\n]*)*[.!?]")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_TIME = rf"(?:[Ii]n|[Oo]n)\s+(?:(?:\d{{1,2}}\s+)?(?:{_MONTH})(?:\s+\d{{1,2}},?)?(?:\s+\d{{4}})?|\d{{4}})"
_LEADING_TIME = re.compile(rf"(?P<time>{_TIME}),?\s+(?=\S)")
_SUBJECT = r"(?P<subject>(?:(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]heir)\s+)?(?:[\w\u2019'&-]+\s+){0,5}?[\w\u2019'&-]+)"
_PASSIVE = re.compile(
    rf"{_SUBJECT}\s+(?P<be>was|were|is|are)\s+(?P<verb>\w+ed|built|held|led|sold|won|written|made)\b(?P<rest>[^,;:]*)"
)
_COPULA = re.compile(rf"{_SUBJECT}\s+(?P<be>was|were|is|are)\s+(?P<what>(?:the|an?)\s+[^,;:]+)")
_ACTIVE = re.compile(
    rf"{_SUBJECT}\s+(?P<adverb>\w+ly\s+)?(?P<verb>\w+ed|led|won|wrote|built|held|made|sold)\s+(?P<rest>[^,;:]+)"
)
_TRAILING_TIME = re.compile(rf"\s+(?P<time>{_TIME})\b")


@dataclass(frozen=True, slots=True)
class Made:
    """A question made from a sentence.

    Attributes:
        question: The question.
        document: Name of the sentence's document.
        start: Offset of the sentence in it.
        end: Offset after it.
    """

    question: str
    document: str
    start: int
    end: int


def suggestions(asked: str, nearest: Sequence[Passage], ask: Callable[[str], Answer]) -> tuple[str, ...]:
    """What might be asked instead of a question that is not answered.

    Args:
        asked: The question.
        nearest: The passages that came closest to answering it.
        ask: Answers a question.

    Returns:
        Two questions at most, each answered from the sentence that it was made of: they are asked first.
    """
    said = {term[:_STEM_CHARS] for term in terms(asked)}
    made = [each for passage in nearest for each in questions_from(passage)]
    made = [each for each in made if {word[:_STEM_CHARS] for word in words_of(each.question)} & said]
    ordered = sorted(made, key=lambda each: -len({word[:_STEM_CHARS] for word in words_of(each.question)} & said))
    answered: list[str] = []
    for each in list({each.question: each for each in ordered}.values())[:_MOST_ASKED]:
        if each.question.lower() != asked.lower() and _answers(ask(each.question), each):
            answered.append(each.question)
        if len(answered) == MAX_SUGGESTIONS:
            break
    return tuple(answered)


def _answers(answer: Answer, made: Made) -> bool:
    if not answer.answered or answer.start is None or answer.end is None:
        return False
    return answer.document == made.document and made.start <= answer.start and answer.end <= made.end


def questions_from(passage: Passage) -> Iterator[Made]:
    """Questions that sentences of a passage answer, if the rules have read them rightly.

    Args:
        passage: The passage.

    Yields:
        When, who and what questions, each with its sentence's place.
    """
    for match in _SENTENCE.finditer(passage.text):
        sentence = " ".join(match[0].split()).rstrip(".!?")
        for question in _questions(sentence):
            if len(question.split()) <= _MAX_QUESTION_WORDS and pointer_of(question) is None:
                yield Made(f"{question}?", passage.document, passage.start + match.start(), passage.start + match.end())


def _questions(sentence: str) -> Iterator[str]:
    lead = _LEADING_TIME.match(sentence)
    has_lead = lead is not None
    body = sentence if lead is None else sentence[lead.end() :]
    passive = _PASSIVE.match(body)
    if passive and _can_be_subject(passive["subject"]):
        yield from _of_passive(passive, has_lead)
        return
    copula = _COPULA.match(body)
    if copula and _can_be_subject(copula["subject"]):
        what = copula["what"].strip()
        if what.startswith("the "):
            yield f"{'Who' if _is_someone(copula['subject']) else 'What'} {copula['be']} {what}"
        return
    active = _ACTIVE.match(body)
    if (
        active
        and _can_be_subject(active["subject"])
        and active["rest"].split(maxsplit=1)[0].lower() not in PREPOSITIONS
    ):
        rest = _TRAILING_TIME.sub("", active["rest"]).strip()
        yield f"Who {active['adverb'] or ''}{active['verb']} {rest}"


def _of_passive(passive: re.Match[str], has_lead: bool) -> Iterator[str]:
    subject, rest = _lower_article(passive["subject"]), passive["rest"].rstrip()
    time = _TRAILING_TIME.search(rest)
    if has_lead or time is not None:
        without = rest[: time.start()] + rest[time.end() :] if time is not None and not has_lead else rest
        yield f"When {passive['be']} {subject} {passive['verb']}{without}"
    agent = re.search(r"\s+by\s+(?=(?:the\s+)?(?:\w+\s+){0,2}[A-Z])", rest)
    if agent is not None:
        yield f"By whom {passive['be']} {subject} {passive['verb']}{rest[: agent.start()]}"


def _can_be_subject(words: str) -> bool:
    """Whether words name something by themselves: a name, or an article and a noun, no verb among them."""
    lower = words.lower().split()
    pronouns = {"it", "he", "she", "they", "this", "that", "there", "who", "which", "we", "i", "its", "their"}
    if pronouns.intersection(lower) or any(is_participle(word) for word in words.split()):
        return False
    return bool(names_in(words)) or lower[0] in {"the", "a", "an"}


def _is_someone(subject: str) -> bool:
    return (
        bool(names_in(subject))
        and subject.split(maxsplit=1)[0][0].isupper()
        and not is_plural(subject)
        and "The" not in subject
    )


def _lower_article(subject: str) -> str:
    return re.sub(r"^(The|A|An)\b", lambda match: match[0].lower(), subject)
