"""Conversation: resolves follow-up questions from earlier turns and asks them."""

import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from index.records import DocumentRecord
from index.retrieval.lexical import STOP_WORDS
from index.retrieval.proximity import words_of
from qa.dialogue.mention_request import find_as_meant, told_of, words_asked_for
from qa.dialogue.query_rewriting import Said
from qa.dialogue.rewrite_selection import Understood, understand
from qa.dialogue.small_talk import reply_to
from qa.protocol import DocumentAnswerer
from qa.question.checks import check_question
from qa.question.document_filter import scope_of
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn
from qa.response.responder import Teller

REMEMBERED_TURNS = 10
_STEM_CHARS = 5
_NOTHING_BEFORE = "There is nothing before this that it could follow. Ask the whole question, please."


class Conversation:
    """A sequence of questions that may refer to earlier ones. Safe to share between threads."""

    def __init__(
        self, answerer: DocumentAnswerer, within: Sequence[str] | None = None, turns: Sequence[Turn] = ()
    ) -> None:
        """Start a conversation, or continue one.

        Args:
            answerer: Answers the questions.
            within: Names of the documents to ask; None is all of them.
            turns: Earlier turns, latest last; only the last ten are kept.
        """
        self._answerer = answerer
        self._within = None if within is None else tuple(within)
        self._turns: deque[Turn] = deque(turns, REMEMBERED_TURNS)
        self._guard = threading.Lock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The last ten turns, latest last."""
        return tuple(self._turns)

    def ask(self, text: str, *, understood: str | None = None) -> Turn:
        """Reply to what the user typed.

        Args:
            text: A question, a follow-up or small talk; 1,000 characters at most.
            understood: A self-contained question that replaces the rewriting of `text`.

        Returns:
            The turn.

        Raises:
            QuestionError: `text` or `understood` is blank or too long; the conversation is unchanged.
            UnknownDocumentError: A document of `within` is not in the index.
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
            talk = reply_to(text, self._records, self._answerer.text, self._at_hand())
            if talk is not None:
                return Turn(text, talk.text, Kind.TALK, documents=talk.documents)
            places = self._places(text)
            if places is not None:
                return places
        question, within = self._scoped(self._answerer.as_meant(text), self._within)
        understood = (
            self._understand(question, within)
            if corrected is None
            else Understood(corrected, self._answerer.ask(corrected, within=within, as_typed=True))
        )
        if understood is None:
            return Turn(text, _NOTHING_BEFORE, Kind.TALK)
        given = self._given() if re.search(r"\b(?:else|more|others?)\b", text.lower()) and understood.back else ()
        told = Teller(self._answerer, within).tell(text, understood.answer, given)
        new_subject = understood.back is None and self._is_new_subject(understood)
        return replace(told, within=within, new_subject=new_subject, meant=understood.meant)

    def _places(self, text: str) -> Turn | None:
        """Return where words stand, if that is what is asked for."""
        question, within = self._scoped(text, self._within)
        words = words_asked_for(question)
        if words is None:
            return None
        found = find_as_meant(
            words, lambda typed, any_form: self._answerer.find(typed, within=within, any_form=any_form, places=5)
        )
        names = tuple(document.document for document in found.documents)
        return Turn(text, told_of(words, found), Kind.PLACES, documents=names, within=within, found=found)

    def _scoped(self, text: str, within: tuple[str, ...] | None) -> tuple[str, tuple[str, ...] | None]:
        """Split a question into the question itself and the documents that its words name."""
        names = self._there(self._answerer.names_in(text))
        scope = scope_of(text, names, list(reversed(self._turns)), lambda name: bool(self._there([name])))
        if scope is None:
            return text, within
        last = next((turn.understood for turn in reversed(self._turns) if turn.understood is not None), text)
        has_words = any(char.isalnum() for char in scope.question)
        return scope.question if has_words else last, (scope.document,)

    def _given(self) -> list[str]:
        """Return the answers given in the remembered turns."""
        return [answer for said in self._past() for answer in said.answers]

    def _records(self) -> list[DocumentRecord]:
        records = self._answerer.documents()
        return records if self._within is None else [record for record in records if record.name in self._within]

    def _there(self, names: Sequence[str]) -> list[str]:
        """Return those of some names that are documents of this conversation."""
        return [name for name in self._answerer.records(names) if self._within is None or name in self._within]

    def _at_hand(self) -> list[str]:
        """Return the names of documents mentioned so far, latest first."""
        names = [
            name
            for turn in reversed(self._turns)
            for name in (*turn.documents[:1], *([turn.answer.document] if turn.answer and turn.answer.document else ()))
        ]
        return list(dict.fromkeys(names))

    def _ask(self, question: str, within: tuple[str, ...] | None) -> Answer:
        return self._answerer.ask(question, within=within)

    def _understand(self, text: str, within: tuple[str, ...] | None) -> Understood | None:
        return understand(
            text,
            self._past(),
            lambda question: self._ask(question, within),
            lambda question: self._answerer.search(question, within=within),
        )

    def _past(self) -> list[Said]:
        """Return what follow-ups may refer to, latest first."""
        return [_said(turn) for turn in reversed(self._turns) if turn.understood is not None]

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
    """Return the stems of a text's words: their first letters, stop words left out."""
    return {word[:_STEM_CHARS] for word in words_of(text) if word not in STOP_WORDS}
