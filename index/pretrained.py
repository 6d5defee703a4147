"""Shared by embedder and reader: finding a model, its tokenizer, its device and its number format."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from tokenizers import Tokenizer

from index.errors import ModelError, ParameterError

if TYPE_CHECKING:
    import torch

_MODEL_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
_HASHES_FILE = "weights.json"

# A file modified again within the clock's resolution may keep its timestamp, so the hash of a fresh file isn't stored.
_RACY_NS = 2_000_000_000


def pick_device(device: str) -> str:
    """Choose the torch device for a setting.

    Args:
        device: "auto", or a torch device.

    Returns:
        The device itself; for "auto" an accelerator if there is one, else "cpu".

    Raises:
        ParameterError: The accelerator is not available.
    """
    import torch

    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if device == "auto":
        return next((name for name, is_available in available.items() if is_available()), "cpu")
    if device in available and not available[device]():
        raise ParameterError(
            f"device={device!r} is not available on this machine or in its PyTorch; use device='auto' or 'cpu'"
        )
    return device


def pick_dtype(precision: str, device: str) -> "torch.dtype":
    """Choose the number format for a setting.

    Args:
        precision: "fp32", "bf16", or "auto": bf16 on processors that multiply it in hardware, else fp32.
        device: The torch device.

    Returns:
        `torch.float32` or `torch.bfloat16`.
    """
    import torch

    if precision == "auto":
        # Processors without these emulate bf16, far slower than fp32. Older versions of torch cannot tell.
        abilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = device == "cpu" and (abilities.get("amx_bf16", False) or abilities.get("avx512_bf16", False))
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def model_folder(location: str, parameter: str) -> Path:
    """Return the folder of a model, downloading it if need be.

    Args:
        location: A folder, or the Hugging Face name of a model.
        parameter: Name of the setting, for the error message.

    Returns:
        The folder.

    Raises:
        ModelError: It is neither a folder nor a model that can be downloaded.
    """
    try:
        if Path(location).is_dir():
            return Path(location)
    except OSError as error:  # a name too long, a folder without permission
        raise ModelError(f"{parameter}={location!r} cannot be opened: {error.strerror}; check the path") from error
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(location, allow_patterns=_MODEL_FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"{parameter}={location!r} is neither a folder nor a Hugging Face model available: {first_line(error)}"
        ) from error


def hash_weights(folder: Path) -> str:
    """Return the SHA-256 of a model's weights, in hexadecimal; of a single file, the file's own.

    Hashes are cached in the user's data folder by the file's path, size and times: every start needs them, and hashing
    takes a second per 1 to 2 GB.

    Args:
        folder: A model's folder.

    Returns:
        The hash.

    Raises:
        ModelError: The folder has no weights, or they cannot be read.
    """
    files = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin")])
    if not files:
        raise ModelError(f"{folder} is not a model's folder: it has no .safetensors file")
    try:
        hashes = [_hash_file(file.resolve()) for file in files]
    except OSError as error:
        raise ModelError(f"the weights in {folder} cannot be read: {error.strerror}; check its permissions") from error
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _hash_file(file: Path) -> str:
    status = file.stat()
    looks = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    book = platformdirs.user_data_path("verbatim-qa", appauthor=False) / _HASHES_FILE
    kept = _read_hashes(book)
    match kept.get(str(file)):
        case {"looks": same, "sha256": str(known)} if same == looks:
            return known
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS:
        others = {path: entry for path, entry in kept.items() if Path(path).exists()}
        with suppress(OSError):  # without a cache, the file is hashed again next time
            _write_hashes(book, others | {str(file): {"looks": looks, "sha256": found}})
    return found


def _read_hashes(book: Path) -> dict[str, object]:
    try:
        kept = json.loads(book.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write_hashes(book: Path, kept: dict[str, object]) -> None:
    book.parent.mkdir(parents=True, exist_ok=True)
    temporary = book.with_suffix(f".{os.getpid()}.new")
    temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    temporary.replace(book)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load a model's fast tokenizer, with truncation and padding switched off.

    Args:
        folder: The model's folder.

    Returns:
        A new tokenizer; it must not be shared between threads.

    Raises:
        ModelError: The folder has no readable `tokenizer.json`.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{folder} has no readable tokenizer.json: {first_line(error)}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Suppress transformers' progress bar while a model is loaded."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
