"""A conversation: follow-ups are understood from what was said before, and what can't be answered is said to be so."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from index.documents import Passage
from index.proximity import words_of
from index.searching import STOP_WORDS
from index.store import DocumentRecord
from qa.answering import QuestionAnswerer, check_question
from qa.answers import Answer, Reason
from qa.rewriting import Said
from qa.smalltalk import reply_to
from qa.understanding import Understood, understand

REMEMBERED_TURNS = 10
_STEM_CHARS = 5
_NOTHING_BEFORE = "There is nothing before this that it could follow. Ask the whole question, please."


class Kind(StrEnum):
    """What a turn is."""

    ANSWER = "answer"
    LIST = "list"
    DISAGREEMENT = "disagreement"
    EVIDENCE = "evidence"
    UNKNOWN = "unknown"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said, and what the chat says to it.

    Attributes:
        asked: What was said, as it was typed.
        text: What the chat says.
        kind: What it is.
        understood: The question as it was asked of the documents; None for talk.
        answer: What the documents say to it; None for talk.
        answers: Of a list its items, of a disagreement the different answers, each with its place.
        evidence: For a yes/no or why question the sentence that bears on it; None where there is none.
        dates: Of a disagreement the date that each answer's document bears, as it is written there, or None.
        suggestions: When not answered: questions that the documents do answer.
        within: Names of the documents that were asked; None for all.
        documents: Names of the documents that talk mentions.
        new_subject: Whether it has nothing in common with what was said before.
        meant: What stands in `understood` for a pronoun; "" where there was none.
    """

    asked: str
    text: str
    kind: Kind
    understood: str | None = None
    answer: Answer | None = None
    answers: tuple[Answer, ...] = ()
    evidence: Passage | None = None
    dates: tuple[str | None, ...] = ()
    suggestions: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None
    documents: tuple[str, ...] = ()
    new_subject: bool = False
    meant: str = ""

    @property
    def answered(self) -> bool:
        """Whether the documents say something to it, or it was no question to them."""
        return self.kind is not Kind.UNKNOWN


class Conversation:
    """Questions one after the other, understood from those before. Safe to share between threads."""

    def __init__(
        self, answerer: QuestionAnswerer, within: Sequence[str] | None = None, turns: Sequence[Turn] = ()
    ) -> None:
        """Begin a conversation, or go on with one.

        Args:
            answerer: What answers the questions.
            within: Names of the documents to ask; None is all of them.
            turns: What was said before, the latest last; the last ten are remembered.
        """
        self._answerer = answerer
        self._within = None if within is None else tuple(within)
        self._turns: deque[Turn] = deque(turns, REMEMBERED_TURNS)
        self._guard = threading.Lock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What is remembered: the last ten turns, the latest last."""
        return tuple(self._turns)

    def ask(self, text: str, *, understood: str | None = None) -> Turn:
        """Say something.

        Args:
            text: A question, a follow-up, or talk; 1,000 characters at most.
            understood: The question that it is, in place of how it would be understood.

        Returns:
            What the chat says.

        Raises:
            QuestionError: One of the two is blank or too long; the conversation stays as it was.
            UnknownDocumentError: A document that the conversation is about is not in the index.
        """
        for each in (text, understood):
            if each is not None:
                check_question(each)
        with self._guard:
            turn = self._turn(text, understood)
            self._turns.append(turn)
        return turn

    def _turn(self, text: str, corrected: str | None) -> Turn:
        if corrected is None:
            talk = reply_to(text, self._records(), self._answerer.text, self._at_hand())
            if talk is not None:
                return Turn(text, talk.text, Kind.TALK, documents=talk.documents)
        understood = self._understand(text) if corrected is None else Understood(corrected, self._ask(corrected))
        if understood is None:
            return Turn(text, _NOTHING_BEFORE, Kind.TALK)
        new_subject = understood.back is None and self._is_new_subject(understood)
        return replace(
            self._told(text, understood), within=self._within, new_subject=new_subject, meant=understood.meant
        )

    def _records(self) -> list[DocumentRecord]:
        records = self._answerer.documents()
        return records if self._within is None else [record for record in records if record.name in self._within]

    def _at_hand(self) -> list[str]:
        """Names of documents that were spoken of, the latest first."""
        names = [
            name
            for turn in reversed(self._turns)
            for name in (*turn.documents[:1], *([turn.answer.document] if turn.answer and turn.answer.document else ()))
        ]
        return list(dict.fromkeys(names))

    def _ask(self, question: str) -> Answer:
        return self._answerer.ask(question, within=self._within)

    def _understand(self, text: str) -> Understood | None:
        return understand(
            text, self._past(), self._ask, lambda question: self._answerer.search(question, within=self._within)
        )

    def _past(self) -> list[Said]:
        """What follow-ups may refer to, the latest first."""
        return [_said(turn) for turn in reversed(self._turns) if turn.understood is not None]

    def _told(self, text: str, understood: Understood) -> Turn:
        answer = understood.answer
        if answer.answered:
            return Turn(text, answer.text, Kind.ANSWER, understood.question, answer)
        why = answer.reason.explanation if answer.reason else Reason.NO_SPAN_FOUND.explanation
        return Turn(text, f"I don't know. {why}", Kind.UNKNOWN, understood.question, answer)

    def _is_new_subject(self, understood: Understood) -> bool:
        before = [turn for turn in self._turns if turn.understood is not None]
        if not before:
            return False
        told = " ".join(f"{turn.understood} {turn.answer.sentence if turn.answer else ''}" for turn in before)
        now = _stems(f"{understood.question} {understood.answer.sentence}")
        return bool(_stems(understood.question)) and not now & _stems(told)


def _said(turn: Turn) -> Said:
    answers = turn.answers or ((turn.answer,) if turn.answer and turn.answer.answered else ())
    sentence = turn.answer.sentence if turn.answer else ""
    return Said(turn.understood or turn.asked, tuple(answer.text for answer in answers), sentence, turn.meant)


def _stems(text: str) -> set[str]:
    """What its words begin with, those that say little left out."""
    return {word[:_STEM_CHARS] for word in words_of(text) if word not in STOP_WORDS}
