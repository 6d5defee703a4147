"""Responder: turns an answer into a reply: an answer, a list, a disagreement, evidence, or a reason for declining."""

from collections.abc import Sequence
from dataclasses import replace

from index.records import Hit, Passage
from qa.protocol import DocumentAnswerer
from qa.question.question_types import asks_for_several, asks_how_many, asks_why, is_yes_or_no, may_have_several
from qa.reader.passage_selection import worth_reading
from qa.records.answer import Answer, Reason
from qa.records.turn import Kind, Turn
from qa.records.worked_out import WorkedOut
from qa.response.contradiction import bears_on, date_of, disagree, of_different_years, same_in_other_words
from qa.response.evidence import supporting_sentence, unsupported, without_count
from qa.response.list_extraction import items_around
from qa.response.question_suggestion import suggestions
from qa.response.working_out import is_said
from qa.text.normalization import normalize
from qa.text.sentences import sentence_around

_RIVAL_DOCUMENTS, _LISTED_DOCUMENTS = 2, 4
"""Other documents that are asked for a contradicting answer, and for more items of a list."""
_SURE_ENOUGH = 0.5
"""Confidence that both answers need for a disagreement to be reported."""
_EVIDENCE = "Here is what bears on it; the verdict is yours: \u201c{}\u201d"
_REASON = "Here is what may be the reason; it is evidence, no verdict: \u201c{}\u201d"
_NO_COUNT = "I don't know. The documents state no number for this, and I do not count."
_NOTHING_ELSE = "I don't know. I find nothing beside what was said already."


class Teller:
    """Turns answers into replies of the chat."""

    def __init__(self, answerer: DocumentAnswerer, within: Sequence[str] | None) -> None:
        """Create a responder.

        Args:
            answerer: Answers further questions.
            within: Names of the documents to ask; None is all of them.
        """
        self._answerer = answerer
        self._within = within

    def tell(self, asked: str, answer: Answer, given: Sequence[str] = ()) -> Turn:
        """Reply to a question.

        Args:
            asked: The question as typed.
            answer: The answer to the question as understood.
            given: Answers given earlier, if the question asks what else there is.

        Returns:
            The turn.
        """
        question = answer.question
        worked_out = self._answerer.work_out(question, within=self._within)
        if worked_out is not None and not is_said(answer, worked_out):
            return self._worked_out(asked, answer, worked_out)
        if asks_how_many(question) and without_count(answer) is not answer:
            return self._declined(asked, without_count(answer), _NO_COUNT)
        if is_yes_or_no(question) or asks_why(question):
            return self._evidence(asked, answer)
        if not answer.answered:
            return self._declined(asked, answer)
        found = self._found(answer)
        if given:
            return self._what_else(asked, answer, found.answers or (answer,), given)
        return replace(found, asked=asked)

    def _worked_out(self, asked: str, answer: Answer, worked_out: WorkedOut) -> Turn:
        return Turn(
            asked,
            worked_out.text,
            Kind.WORKED_OUT,
            answer.question,
            unsupported(answer),
            documents=(worked_out.document,),
            worked_out=worked_out,
        )

    def _evidence(self, asked: str, answer: Answer) -> Turn:
        evidence = supporting_sentence(answer.question, answer, self._search(answer.question))
        if evidence is None and not (answer.answered and asks_why(answer.question)):
            return self._declined(asked, unsupported(answer))
        if evidence is None:
            return Turn(asked, answer.text, Kind.ANSWER, answer.question, answer)
        says = _REASON if asks_why(answer.question) else _EVIDENCE
        text = says.format(" ".join(evidence.text.split()))
        return Turn(asked, text, Kind.EVIDENCE, answer.question, answer, evidence=evidence)

    def _declined(self, asked: str, answer: Answer, text: str | None = None) -> Turn:
        why = answer.reason.explanation if answer.reason is not None else Reason.NO_SPAN_FOUND.explanation
        instead = suggestions(answer.question, answer.nearest, self._ask)
        said = f"I don't know. {why}" if text is None else text
        return Turn(asked, said, Kind.UNKNOWN, answer.question, answer, suggestions=instead)

    def _what_else(self, asked: str, answer: Answer, found: Sequence[Answer], given: Sequence[str]) -> Turn:
        """Reply with the answers that were not given before and are confident enough."""
        sure = [other for other in answer.alternatives if other.confidence >= self._answerer.threshold]
        new = [
            each
            for each in _each_once([*found, *sure])
            if not any(same_in_other_words(each.text, known) for known in given)
        ]
        if not new:
            return self._declined(asked, unsupported(answer), _NOTHING_ELSE)
        first = replace(new[0], alternatives=())
        if len(new) == 1:
            return Turn(asked, first.text, Kind.ANSWER, answer.question, first)
        return _as_list(asked, answer.question, first, new)

    def _found(self, answer: Answer) -> Turn:
        """Reply with an answer, a list, or answers that contradict each other."""
        question = answer.question
        rivals = self._rivals(answer)
        against = [rival for rival in rivals if disagree(answer, rival)]
        if against and not asks_for_several(question):
            different = (_alone(answer), *_each_once(against))
            dates = tuple(date_of(self._answerer.text(each.document or ""), each.document or "") for each in different)
            text = "The documents disagree: " + "; ".join(
                _with_source(each, date) for each, date in zip(different, dates, strict=True)
            )
            return Turn(question, text, Kind.DISAGREEMENT, question, answer, answers=different, dates=dates)
        if not may_have_several(question):
            return Turn(question, answer.text, Kind.ANSWER, question, answer)
        joined = [rival for rival in rivals if asks_for_several(question) or of_different_years(answer, rival)]
        items = _each_once([item for each in (answer, *joined) for item in self._items(each)])
        if len(items) > 1:
            return _as_list(question, question, answer, items)
        return Turn(question, answer.text, Kind.ANSWER, question, answer)

    def _rivals(self, answer: Answer) -> list[Answer]:
        """Return the answers of other documents that are about the same subject, judging by their words."""
        question = answer.question
        if answer.confidence < _SURE_ENOUGH:
            return []
        most = _LISTED_DOCUMENTS if asks_for_several(question) else _RIVAL_DOCUMENTS
        hits = [hit for hit in worth_reading(self._search(question)) if bears_on(question, hit.passage, hit.title)]
        if answer.document not in {hit.passage.document for hit in hits}:
            return []
        others = list(dict.fromkeys(hit.passage.document for hit in hits if hit.passage.document != answer.document))
        asked = [self._answerer.ask(question, within=[name]) for name in others[:most]]
        return [rival for rival in asked if self._is_rival(answer, rival)]

    def _is_rival(self, answer: Answer, rival: Answer) -> bool:
        if not rival.answered or rival.passage is None:
            return False
        is_sure = min(answer.confidence, rival.confidence) >= _SURE_ENOUGH
        return is_sure and bears_on(answer.question, rival.passage, rival.title or "")

    def _items(self, answer: Answer) -> list[Answer]:
        """Return the items of the list that an answer is part of; the answer alone if there is no list."""
        text = self._answerer.text(answer.document or "")
        start, end = answer.start or 0, answer.end or 0
        places = items_around(text, start, end, all_of_them=asks_for_several(answer.question))
        return [_at(answer, text, place.start, place.end) for place in places] or [_alone(answer)]

    def _ask(self, question: str) -> Answer:
        return self._answerer.ask(question, within=self._within)

    def _search(self, question: str) -> list[Hit]:
        return self._answerer.search(question, within=self._within)


def _as_list(asked: str, question: str, answer: Answer, items: Sequence[Answer]) -> Turn:
    text = "; ".join(item.text for item in items)
    return Turn(asked, text, Kind.LIST, question, answer, answers=tuple(items))


def _with_source(answer: Answer, date: str | None) -> str:
    return f"\u201c{answer.text}\u201d ({answer.document}{f', {date}' if date else ''})"


def _alone(answer: Answer) -> Answer:
    return replace(answer, alternatives=())


def _each_once(answers: Sequence[Answer]) -> list[Answer]:
    """Remove answers with the same words as an earlier one."""
    once: dict[str, Answer] = {}
    for answer in answers:
        once.setdefault(normalize(answer.text) or answer.text, answer)
    return list(once.values())


def _at(answer: Answer, text: str, start: int, end: int) -> Answer:
    """Return an answer moved to other words nearby: an item of the list that the answer is part of."""
    first, last = sentence_around(text, start, end)
    evidence = tuple(passage for passage in answer.evidence if _holds(passage, answer.document, start, end))
    passage = answer.passage if answer.passage and _holds(answer.passage, answer.document, start, end) else None
    return replace(
        answer,
        text=text[start:end],
        start=start,
        end=end,
        sentence=text[first:last],
        sentence_start=first,
        passage=passage,
        evidence=evidence,
        alternatives=(),
    )


def _holds(passage: Passage, document: str | None, start: int, end: int) -> bool:
    return passage.document == document and passage.start <= start and end <= passage.end
