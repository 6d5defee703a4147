"""Every setting in one typed object, read from arguments and from `VERBATIM_…` environment variables."""

import difflib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from index.errors import ParameterError

ENV_PREFIX = "VERBATIM_"
_SECRETS = frozenset({"passwords", "password_hash"})
"""Settings whose values no message shows."""


class Settings(BaseSettings):
    """Settings of an index and of the answers read from it.

    Attributes:
        model_config: How pydantic reads them.
        embedder: Hugging Face name or folder of a sentence-transformers model; None is the packaged one.
        reader: "fast", "accurate", or "cascade", in which the first picks what the second reads; or the Hugging
            Face name or folder of another extractive question answering model. None is "cascade".
        index_dir: Folder that holds the index of one folder of documents; None is a place of its own
            below the user's data folder. Here and in the names of models a leading ~ is the home folder.
        top_k: Passages retrieved for a question, 1 to 1000; those are read that fit it nearly as well as the best.
        threshold: Confidence from 0 to 1 below which a question is declined; None is the reader's own.
        max_wrong: Share of the answers given that may be wrong, 0 to 1: sets the threshold by what was measured
            when the confidence was fitted. Not together with `threshold`.
        patience: Seconds that a question may wait for others before it: one that had to wait longer is read by the
            cascade's fast reader alone, and its answer says so. None lets them wait, which `verbatim serve` does not:
            there it is 0.5. Of no effect where another reader was chosen.
        device: Where the models run; "auto" takes an accelerator where there is one.
        precision: Number format the models compute in; "auto" is bf16 on processors that multiply it
            in hardware and fp32 elsewhere.
        passwords: Tried in turn on encrypted files; neither logged nor stored. In the environment a JSON list, or one
            password as it is.
        password_hash: The argon2 hash of the web chat's password, as `verbatim password --print-hash` gives it; None
            is what `verbatim password` stored, if anything.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    embedder: str | None = None
    reader: str | None = None
    index_dir: Path | None = None
    top_k: int = Field(default=10, ge=1, le=1000)
    threshold: float | None = Field(default=None, ge=0, le=1)
    max_wrong: float | None = Field(default=None, ge=0, le=1)
    patience: float | None = Field(default=None, ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    passwords: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    password_hash: SecretStr | None = None

    @field_validator("passwords", mode="before")
    @classmethod
    def _as_passwords(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            listed = json.loads(value) if value.startswith("[") else [value]
        except ValueError:
            listed = [value]
        return [password for password in listed if password]

    @field_validator("index_dir", "embedder", "reader", mode="before")
    @classmethod
    def _as_place(cls, value: object) -> object:
        return expand_home(value) if isinstance(value, (str, Path)) else value


def expand_home(place: str | Path) -> str:
    """A path as it was written, but for a leading ~, which becomes the home folder.

    Args:
        place: The path, or the name of a model.

    Returns:
        The same without the ~.

    Raises:
        ValueError: It is empty, holds a NUL character, or names the home of nobody; the message goes after
            the parameter and its value.
    """
    written = str(place)
    if not written.strip():
        raise ValueError("is empty; name a folder, or leave it out")
    if "\0" in written:
        raise ValueError("holds a NUL character, which no path can; write it without")
    if not written.startswith("~"):
        return written
    try:
        return str(Path(written).expanduser())
    except RuntimeError:
        raise ValueError("names the home folder of a user that this machine does not have; write it out") from None


def read_settings(**values: Any) -> Settings:  # noqa: ANN401 (validated by pydantic, field by field)
    """Settings from the arguments given, then the environment, then the defaults.

    Args:
        **values: Fields of `Settings`. None means "not given" and leaves the field to the environment.

    Returns:
        The settings, validated.

    Raises:
        ParameterError: A field is unknown or has a value outside its range.
    """
    for name in sorted(os.environ):
        field = name.upper().removeprefix(ENV_PREFIX).lower()  # Windows upper-cases them, pydantic-settings is lenient
        if name.upper().startswith(ENV_PREFIX) and field not in Settings.model_fields:
            raise ParameterError(f"environment variable {name} is no setting of Verbatim; {_instead(field, _variable)}")
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ParameterError(_first_complaint(error, given)) from error


def _variable(field: str) -> str:
    return ENV_PREFIX + field.upper()


def _instead(field: str, spelled: Callable[[str], str] = str) -> str:
    """What there is in place of a setting that there is not, the nearest one first."""
    nearest = difflib.get_close_matches(field, Settings.model_fields, n=1)
    asked = f"did you mean {spelled(nearest[0])}? There are" if nearest else "there are"
    return f"{asked}: {', '.join(map(spelled, Settings.model_fields))}"


def _first_complaint(error: ValidationError, given: Collection[str]) -> str:
    complaint = error.errors()[0]
    field = ".".join(str(part) for part in complaint["loc"])
    if complaint["type"] == "extra_forbidden":
        return f"there is no setting {field!r}; {_instead(field)}"
    if field.partition(".")[0] == "password_hash":
        return f"{_variable('password_hash')}: not a string; give what this prints: verbatim password --print-hash"
    if field.partition(".")[0] in _SECRETS:
        return f"{_variable('passwords')}: not a list of passwords; give a JSON list of strings"
    value = str(complaint["input"]) if isinstance(complaint["input"], Path) else complaint["input"]
    where = f"{field if field in given else _variable(field)}={value!r}"
    if complaint["type"] == "value_error":  # one of ours
        return f"{where} {complaint['ctx']['error']}"
    return f"{where}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"
