"""Questions that words of a document do not answer by themselves: yes or no, why, how many."""

import re
from collections.abc import Sequence

from index.records import Hit, Passage
from index.retrieval.lexical import terms
from index.retrieval.proximity import measure
from qa.question.question_types import asks_why
from qa.records.answer import Answer, Reason
from qa.text.shallow_parsing import states_a_number

_READ_PASSAGES = 5
_SHARE_OF_TERMS = 0.65
_SHARE_BESIDE_CAUSE = 0.5
_CAUSE = re.compile(
    r"\b(?:because|since|due\s+to|owing\s+to|as\s+a\s+result|therefore|so\s+that|in\s+order\s+to|on\s+the\s+(?:basis|grounds?)"
    r"|reasons?|caused?|causes|led\s+to|thanks\s+to|for\s+fear)\b",
    re.IGNORECASE,
)


def supporting_sentence(question: str, answer: Answer, hits: Sequence[Hit]) -> Passage | None:
    """The sentence that bears on a yes/no or why question; one that asks itself, as headings of FAQs do, says nothing.

    Args:
        question: The question.
        answer: What the reader said to it.
        hits: The passages retrieved for it, best first.

    Returns:
        The sentence around the answer where there is one, else the sentence that has most of the question's words, of a
        why question beside words that give a reason; None where none has enough of them.
    """
    asked = terms(question)
    is_told = answer.answered and not _asks(answer.sentence)
    if is_told and answer.document is not None and answer.sentence_start is not None:
        around = Passage(
            answer.document,
            answer.sentence_start,
            answer.sentence_start + len(answer.sentence),
            answer.sentence,
            answer.passage.heading if answer.passage else "",
        )
        # The reader finds words of some kind in any passage; they support nothing if they stand elsewhere.
        if asks_why(question) or _shares(question, asked, [around])[0] >= _SHARE_OF_TERMS:
            return around
    sentences = [
        sentence for hit in hits[:_READ_PASSAGES] for sentence in _sentences(hit.passage) if not _asks(sentence.text)
    ]
    if asks_why(question):
        sentences = [sentence for sentence in sentences if _CAUSE.search(sentence.text)]
    if not sentences or not asked:
        return None
    shares = _shares(question, asked, sentences)
    best = max(range(len(sentences)), key=lambda i: shares[i])
    least = _SHARE_BESIDE_CAUSE if asks_why(question) else _SHARE_OF_TERMS
    return sentences[best] if shares[best] >= least else None


def _asks(sentence: str) -> bool:
    return sentence.rstrip("\"'\u201d\u2019)] \n").endswith("?")


def _shares(question: str, asked: Sequence[str], sentences: Sequence[Passage]) -> list[float]:
    """How much of the question's words, by their rarity, stands close together in each sentence, 0 to 1."""
    return [proximity.window for proximity in measure(question, asked, [each.text for each in sentences])]


def _sentences(passage: Passage) -> list[Passage]:
    from nupunkt import sent_spans  # its model is read when it is first used

    found = []
    for start, end in sent_spans(passage.text):
        words = passage.text[start:end]
        first = start + len(words) - len(words.lstrip())
        last = start + len(words.rstrip())
        if first < last:
            found.append(
                Passage(
                    passage.document,
                    passage.start + first,
                    passage.start + last,
                    passage.text[first:last],
                    passage.heading,
                )
            )
    return found


def without_count(answer: Answer) -> Answer:
    """An answer to "how many" that states a number, or that there is none: nothing is counted here.

    Args:
        answer: An answer that was given.

    Returns:
        The same where it states a number; else it is declined, and is the first of the other answers.
    """
    if not answer.answered or states_a_number(answer.text):
        return answer
    return Answer(
        answer.question,
        answered=False,
        confidence=answer.confidence,
        alternatives=(*_alone(answer), *answer.alternatives),
        nearest=(answer.passage,) if answer.passage else (),
        reason=Reason.NO_SPAN_FOUND,
    )


def _alone(answer: Answer) -> tuple[Answer]:
    from dataclasses import replace

    return (replace(answer, alternatives=()),)
