"""Answers to questions, in the documents' own words."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.errors import QuestionError, VerbatimError
    from qa.answerer import QuestionAnswerer
    from qa.dialogue.conversation import Conversation
    from qa.open_folder import ask, load
    from qa.records.answer import Answer, Reason
    from qa.records.turn import Turn

__all__ = [
    "Answer",
    "Conversation",
    "QuestionAnswerer",
    "QuestionError",
    "Reason",
    "Turn",
    "VerbatimError",
    "ask",
    "load",
]


def __getattr__(name: str) -> object:
    # Imported when first used: `verbatim --help` must not wait for NumPy and FAISS.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    places = {
        "Answer": "qa.records.answer",
        "Reason": "qa.records.answer",
        "Conversation": "qa.dialogue.conversation",
        "Turn": "qa.records.turn",
        "QuestionError": "index.errors",
        "VerbatimError": "index.errors",
        "QuestionAnswerer": "qa.answerer",
        "ask": "qa.open_folder",
        "load": "qa.open_folder",
    }
    return getattr(import_module(places[name]), name)
