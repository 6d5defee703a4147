"""Answers to questions, in the documents' own words."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.errors import QuestionError, VerbatimError
    from qa.answering import QuestionAnswerer, ask, load
    from qa.answers import Answer, Reason
    from qa.conversing import Conversation
    from qa.turns import Turn

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
        "Answer": "qa.answers",
        "Reason": "qa.answers",
        "Conversation": "qa.conversing",
        "Turn": "qa.turns",
        "QuestionError": "index.errors",
        "VerbatimError": "index.errors",
    }
    return getattr(import_module(places.get(name, "qa.answering")), name)
