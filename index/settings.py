"""All settings in one typed object, read from arguments and `VERBATIM_…` environment variables."""

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
"""Settings whose values never appear in messages."""


class Settings(BaseSettings):
    """Settings of an index and of answering from it.

    Attributes:
        model_config: Configuration of pydantic.
        embedder: Hugging Face name or folder of a sentence-transformers model; None is the packaged one.
        reader: "fast", "accurate", or "cascade", where the fast one selects what the accurate one reads; or the Hugging
            Face name or folder of another extractive question answering model. None is "cascade".
        index_dir: Folder for the index of one folder of documents; None is a folder of its own in the user's data
            folder. Here and in model names, a leading ~ is the home folder.
        top_k: Passages retrieved for a question, 1 to 1000; those that score nearly as well as the best are read.
        threshold: Confidence from 0 to 1 below which a question is declined; None is the reader's own.
        max_wrong: Largest share of wrong answers among those given, 0 to 1: sets the threshold by what was measured
            when the confidence was fitted. Cannot be combined with `threshold`.
        patience: Seconds that a question may wait for others before it: after a longer wait, the cascade's fast reader
            alone reads it, and the answer says so. None means no limit; `verbatim serve` uses 0.5. No effect with other
            readers.
        device: Where the models run; "auto" uses an accelerator if there is one.
        precision: Number format of the models; "auto" is bf16 on processors that multiply it in hardware, else fp32.
        passwords: Tried in turn on encrypted files; neither logged nor stored. In the environment, a JSON list or a
            single password.
        password_hash: Argon2 hash of the web chat's password, as printed by `verbatim password --print-hash`; None is
            the one stored by `verbatim password`, if any.
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
    """Replace a leading ~ by the home folder.

    Args:
        place: A path, or the name of a model.

    Returns:
        The path, otherwise unchanged.

    Raises:
        ValueError: It is blank, contains a NUL character, or names an unknown user's home; the message is meant to
            follow the parameter and its value.
    """
    written = str(place)
    if not written.strip():
        raise ValueError("is empty; name a folder, or omit it")
    if "\0" in written:
        raise ValueError("contains a NUL character, which paths cannot; remove it")
    if not written.startswith("~"):
        return written
    try:
        return str(Path(written).expanduser())
    except RuntimeError:
        raise ValueError("names the home folder of a user unknown on this machine; write the full path") from None


def read_settings(**values: Any) -> Settings:  # noqa: ANN401 (validated by pydantic, field by field)
    """Read the settings from arguments, then the environment, then the defaults.

    Args:
        **values: Fields of `Settings`. None means "not given": the field is read from the environment.

    Returns:
        The validated settings.

    Raises:
        ParameterError: A field is unknown or out of range.
    """
    for name in sorted(os.environ):
        field = name.upper().removeprefix(ENV_PREFIX).lower()  # Windows upper-cases them, pydantic-settings is lenient
        if name.upper().startswith(ENV_PREFIX) and field not in Settings.model_fields:
            raise ParameterError(f"environment variable {name} is not a setting; {_suggestion(field, _variable)}")
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ParameterError(_first_complaint(error, given)) from error


def _variable(field: str) -> str:
    return ENV_PREFIX + field.upper()


def _suggestion(field: str, spelled: Callable[[str], str] = str) -> str:
    """Suggest valid names for an unknown setting, closest first."""
    nearest = difflib.get_close_matches(field, Settings.model_fields, n=1)
    meant = f"did you mean {spelled(nearest[0])}? Settings are" if nearest else "settings are"
    return f"{meant}: {', '.join(map(spelled, Settings.model_fields))}"


def _first_complaint(error: ValidationError, given: Collection[str]) -> str:
    complaint = error.errors()[0]
    field = ".".join(str(part) for part in complaint["loc"])
    if complaint["type"] == "extra_forbidden":
        return f"unknown setting {field!r}; {_suggestion(field)}"
    if field.partition(".")[0] == "password_hash":
        return f"{_variable('password_hash')}: not a string; give what this prints: verbatim password --print-hash"
    if field.partition(".")[0] in _SECRETS:
        return f"{_variable('passwords')}: not a list of passwords; give a JSON list of strings"
    value = str(complaint["input"]) if isinstance(complaint["input"], Path) else complaint["input"]
    where = f"{field if field in given else _variable(field)}={value!r}"
    if complaint["type"] == "value_error":  # raised by `expand_home`
        return f"{where} {complaint['ctx']['error']}"
    return f"{where}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"
