"""Checkpoints: weights written atomically, with the state needed to resume."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from index.pretrained import first_line
from qa.training.data.questions import DataError

if TYPE_CHECKING:
    import torch


def save_tensors(tensors: Mapping[str, "torch.Tensor"], path: Path, about: Mapping[str, str]) -> None:
    """Write tensors to a temporary file, then replace the file by it.

    If interrupted, the file is either the old one or the new one.

    Args:
        tensors: By name.
        path: The file, .safetensors.
        about: Metadata to store in the file.

    Raises:
        DataError: The disk is full or the folder cannot be written; the old file is still there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: t.detach().contiguous() for name, t in tensors.items()}, temporary, metadata=dict(about))
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be written, the last good one is kept: {first_line(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, "torch.Tensor"], dict[str, str]]:
    """Load tensors by name, with the file's metadata.

    Args:
        path: A .safetensors file.

    Returns:
        Tensors and metadata.

    Raises:
        DataError: The file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}") from error
