"""A question as the page sends it, with its options."""

from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from index.errors import ParameterError


class Options(BaseModel, frozen=True):
    """Options for answering, as chosen in a browser.

    Attributes:
        within: Names of the documents to ask; None is all of them.
        max_wrong: Share of the given answers that may be wrong; None uses the server's threshold.
        reader: Name of a packaged reader; None is the server's. Others are refused, so that a page cannot make the
            server load any model.
    """

    within: tuple[str, ...] | None = None
    max_wrong: float | None = Field(default=None, ge=0, le=1)
    reader: Literal["fast", "accurate", "cascade"] | None = None


class Asked(BaseModel, frozen=True):
    """A question as the page sends it.

    Attributes:
        question: The question as typed.
        understood: The user's rewording of a misunderstood question; None lets the chat interpret the question.
        conversation: Id of the conversation to continue; "" starts one.
        in_place_of: Keys of the turns on the page that it replaces.
        is_patient: Whether it is read by the usual reader, however many questions wait.
        options: Options for answering it.
    """

    question: str
    understood: str | None = None
    conversation: str = ""
    in_place_of: tuple[str, ...] = ()
    is_patient: bool = False
    options: Options = Options()


def read_asked(sent: object) -> Asked:
    """Validate a question that a page sent.

    Args:
        sent: The data sent.

    Returns:
        The question.

    Raises:
        ParameterError: A value is invalid.
    """
    try:
        return Asked.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if part != "options")
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise ParameterError(f"{name}={str(first['input'])[:40]!r}: {said}; choose another in the settings") from error


def those_left(within: Sequence[str] | None, names: Collection[str]) -> tuple[tuple[str, ...] | None, list[str]]:
    """Split chosen documents into those that exist and those that do not.

    Args:
        within: Names of the chosen documents; None is all of them.
        names: Names of the existing documents.

    Returns:
        The chosen documents that exist, None for all, and those that do not.

    Raises:
        ParameterError: None of them exists.
    """
    if within is None:
        return None, []
    present = set(names)
    left = tuple(dict.fromkeys(name for name in within if name in present))
    if not left:
        raise ParameterError("none of the chosen documents exists any more; choose others, or all")
    return left, [name for name in within if name not in present]
