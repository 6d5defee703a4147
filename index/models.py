"""What the embedder and the reader share: finding a model, its tokenizer, its device and number format."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from index.errors import ModelError

if TYPE_CHECKING:
    import torch

_MODEL_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]


def pick_device(device: str) -> str:
    """The torch device for a setting.

    Args:
        device: "auto", or a torch device.

    Returns:
        The device itself, or the accelerator that is there, or "cpu".
    """
    if device != "auto":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_dtype(precision: str, device: str) -> "torch.dtype":
    """The number format for a setting.

    Args:
        precision: "fp32", "bf16", or "auto": bf16 on processors that multiply it in hardware, else fp32.
        device: The torch device.

    Returns:
        `torch.float32` or `torch.bfloat16`.
    """
    import torch

    if precision == "auto":
        # Processors without these emulate bf16, at a fraction of the speed of fp32. Older torch cannot tell.
        abilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = device == "cpu" and (abilities.get("amx_bf16", False) or abilities.get("avx512_bf16", False))
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def model_folder(location: str, parameter: str) -> Path:
    """The folder of a model that is on this machine.

    Args:
        location: A folder, or the Hugging Face name of a model; one that is not here yet is downloaded.
        parameter: The setting that names it, for the error.

    Returns:
        The folder.

    Raises:
        ModelError: It is neither a folder nor a model that can be had.
    """
    if Path(location).is_dir():
        return Path(location)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(location, allow_patterns=_MODEL_FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"{parameter}={location!r} is neither a folder nor a Hugging Face model to be had: {first_line(error)}"
        ) from error


def hash_weights(folder: Path) -> str:
    """SHA-256 of a model's weight files, in hexadecimal; of the file itself where there is one.

    Args:
        folder: A model's folder.

    Returns:
        The hash.

    Raises:
        ModelError: The folder holds no weights.
    """
    files = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin")])
    if not files:
        raise ModelError(f"{folder} holds no model: there is no .safetensors file in it")
    hashes = []
    for file in files:
        with file.open("rb") as stream:
            hashes.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_tokenizer(folder: Path) -> Tokenizer:
    """A model's fast tokenizer, truncation and padding switched off: who needs them, asks for them.

    Args:
        folder: The model's folder.

    Returns:
        A tokenizer of its own: the same one must not be used from two threads.

    Raises:
        ModelError: The folder has no readable `tokenizer.json`.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{folder} holds no readable tokenizer.json: {first_line(error)}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep transformers from drawing a progress bar while a model of a fraction of a second is loaded."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def first_line(error: BaseException) -> str:
    """The first line of an error's message, for an error of ours that has to fit one."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
