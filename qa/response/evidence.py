"""Evidence for questions that a quotation alone does not answer: yes or no, why, how many."""

import re
from collections.abc import Sequence
from dataclasses import replace

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
    """Find the sentence that supports or contradicts a yes/no question, or explains a why question.

    Args:
        question: The question.
        answer: The reader's answer.
        hits: The retrieved passages, best first.

    Returns:
        The sentence of the answer if it fits, else the sentence with most of the question's words, for a why question
        only one with a causal word; None if no sentence has enough. Sentences that are questions never count.
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
        # A reader finds a span in any passage; elsewhere than near the question's words it supports nothing.
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
    """Return the share of the question's words, weighted by rarity, close together in each sentence, 0 to 1."""
    return [proximity.window for proximity in measure(question, asked, [[each.text] for each in sentences])]


def _sentences(passage: Passage) -> list[Passage]:
    from nupunkt import sent_spans  # loads its model on first use

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
    """Decline a "how many" question whose answer states no number: nothing is counted here.

    Args:
        answer: A given answer.

    Returns:
        The same answer if it states a number, else a declined one with the answer as first alternative.
    """
    return answer if not answer.answered or states_a_number(answer.text) else unsupported(answer)


def unsupported(answer: Answer) -> Answer:
    """Return a declined answer with the given one, if any, as alternative: it does not support the question."""
    if not answer.answered:
        return answer
    return Answer(
        answer.question,
        answered=False,
        confidence=answer.confidence,
        alternatives=(replace(answer, alternatives=()), *answer.alternatives),
        nearest=(answer.passage,) if answer.passage else (),
        reason=Reason.NO_SPAN_FOUND,
        understood=answer.understood,
        hurried=answer.hurried,
    )
