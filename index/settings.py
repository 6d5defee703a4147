"""Every setting in one typed object, read from arguments and from `VERBATIM_…` environment variables."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import ParameterError

ENV_PREFIX = "VERBATIM_"


class Settings(BaseSettings):
    """Settings of an index and of the answers read from it.

    Attributes:
        model_config: How pydantic reads them.
        embedder: Hugging Face name or folder of a sentence-transformers model; None is the packaged one.
        reader: Hugging Face name or folder of an extractive question answering model; None is the packaged one.
        index_dir: Folder that holds the index of one folder of documents; None is a place of its own
            below the user's data folder.
        top_k: Passages retrieved and read for a question, 1 to 1000; more than there are reads them all.
        threshold: Confidence from 0 to 1 below which a question is declined; None is the reader's own.
        device: Where the models run; "auto" takes an accelerator where there is one.
        precision: Number format the models compute in; "auto" is bf16 on processors that multiply it
            in hardware and fp32 elsewhere.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    embedder: str | None = Field(default=None, min_length=1)
    reader: str | None = Field(default=None, min_length=1)
    index_dir: Path | None = None
    top_k: int = Field(default=10, ge=1, le=1000)
    threshold: float | None = Field(default=None, ge=0, le=1)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"


def read_settings(**values: Any) -> Settings:  # noqa: ANN401 (validated by pydantic, field by field)
    """Settings from the arguments given, then the environment, then the defaults.

    Args:
        **values: Fields of `Settings`. None means "not given" and leaves the field to the environment.

    Returns:
        The settings, validated.

    Raises:
        ParameterError: A field is unknown or has a value outside its range.
    """
    unknown = sorted(name for name in os.environ if _is_unknown_variable(name))
    if unknown:
        known = ", ".join(ENV_PREFIX + field.upper() for field in Settings.model_fields)
        raise ParameterError(f"environment variable {unknown[0]} is no setting of Verbatim; there are: {known}")
    try:
        return Settings(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise ParameterError(_first_complaint(error)) from error


def _is_unknown_variable(name: str) -> bool:
    # Windows upper-cases environment variables, and pydantic-settings compares without case.
    upper = name.upper()
    return upper.startswith(ENV_PREFIX) and upper.removeprefix(ENV_PREFIX).lower() not in Settings.model_fields


def _first_complaint(error: ValidationError) -> str:
    complaint = error.errors()[0]
    name = ".".join(str(part) for part in complaint["loc"])
    if complaint["type"] == "extra_forbidden":
        return f"there is no setting {name!r}; there are: {', '.join(Settings.model_fields)}"
    return f"{name}={complaint['input']!r}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"
