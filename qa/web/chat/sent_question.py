"""A question as the page sends it, and how it is asked."""

from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from index.errors import ParameterError


class Options(BaseModel, frozen=True):
    """How questions are asked, as chosen in a browser.

    Attributes:
        within: Names of the documents to ask; None is all of them.
        max_wrong: Share of the answers given that may be wrong; None is as the server was started.
        reader: Which of the packaged readers reads; None is as the server was started. No other can be named: a page
            must not have the server load what it likes.
    """

    within: tuple[str, ...] | None = None
    max_wrong: float | None = Field(default=None, ge=0, le=1)
    reader: Literal["fast", "accurate", "cascade"] | None = None


class Asked(BaseModel, frozen=True):
    """A question as the page sends it.

    Attributes:
        question: The question, as it was typed.
        understood: How it is meant, where it was understood wrongly; None leaves that to the chat.
        conversation: Id of the conversation that it goes on with; "" begins one.
        in_place_of: Keys of the turns on the page that it takes the place of.
        is_patient: Whether it is read as it is at leisure, however many wait.
        options: How it is asked.
    """

    question: str
    understood: str | None = None
    conversation: str = ""
    in_place_of: tuple[str, ...] = ()
    is_patient: bool = False
    options: Options = Options()


def read_asked(sent: object) -> Asked:
    """A question that a page sent.

    Args:
        sent: What it sent.

    Returns:
        The question.

    Raises:
        ParameterError: It has a value that cannot be used.
    """
    try:
        return Asked.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if part != "options")
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise ParameterError(f"{name}={str(first['input'])[:40]!r}: {said}; choose another in the settings") from error


def those_left(within: Sequence[str] | None, names: Collection[str]) -> tuple[tuple[str, ...] | None, list[str]]:
    """Which of the documents chosen are there.

    Args:
        within: Names of the documents chosen; None is all of them.
        names: Names of the documents that there are.

    Returns:
        Those that are there, None for all, and those that are not.

    Raises:
        ParameterError: None of them is there.
    """
    if within is None:
        return None, []
    present = set(names)
    left = tuple(dict.fromkeys(name for name in within if name in present))
    if not left:
        raise ParameterError("none of the documents chosen to be asked is there any more; choose others, or all")
    return left, [name for name in within if name not in present]
