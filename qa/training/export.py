"""Weights in few bytes: whole numbers of 8 bits with a scale for each row, in files that a repository takes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qa.training.checkpoints import load_tensors, save_tensors
from qa.training.data import DataError

if TYPE_CHECKING:
    import torch

SHARD_BYTES = 49_000_000
LARGEST = 127

Tensors = Mapping[str, "torch.Tensor"]


def quantise(tensors: Tensors) -> dict[str, "torch.Tensor"]:
    """Matrices as int8 with a scale a row, all else as fp16.

    Args:
        tensors: Weights by name, float32.

    Returns:
        `NAME.int8` (rows, columns) and `NAME.scale` (rows,) float32 for each matrix, `NAME` fp16 for the rest.
    """
    import torch

    small: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:  # noqa: PLR2004
            scale = (tensor.abs().amax(dim=1) / LARGEST).clamp(min=torch.finfo(torch.float32).tiny).float()
            small[f"{name}.int8"] = (tensor.float() / scale[:, None]).round().to(torch.int8)
            small[f"{name}.scale"] = scale
        else:
            small[name] = tensor.to(torch.float16)
    return small


def dequantise(small: Tensors) -> dict[str, "torch.Tensor"]:
    """Weights as float32, the inverse of `quantise` but for what rounding took.

    Args:
        small: As `quantise` makes them.

    Returns:
        Weights by name, float32.
    """
    whole = {}
    for name, tensor in small.items():
        if name.endswith(".int8"):
            stem = name.removesuffix(".int8")
            whole[stem] = tensor.float() * small[f"{stem}.scale"].float()[:, None]
        elif not name.endswith(".scale"):
            whole[name] = tensor.float()
    return whole


def write_shards(small: Tensors, folder: Path, largest: int = SHARD_BYTES) -> list[Path]:
    """Write weights into files of a limited size, `weights-1.safetensors` and so on.

    Args:
        small: Weights by name.
        folder: Where.
        largest: Bytes in a file at most; no tensor may be larger.

    Returns:
        The files.

    Raises:
        DataError: A tensor is too large for a file, or the disk is full.
    """
    shards: list[dict[str, torch.Tensor]] = []
    room = 0
    for name, tensor in sorted(small.items()):
        size = tensor.numel() * tensor.element_size()
        if size > largest:
            raise DataError(f"{name} has {size} bytes, more than fit a file of {largest}")
        if not shards or size > room:
            shards.append({})
            room = largest
        shards[-1][name] = tensor
        room -= size
    paths = [folder / f"weights-{number}.safetensors" for number in range(1, len(shards) + 1)]
    for path, shard in zip(paths, shards, strict=True):
        save_tensors(shard, path, {"format": "pt"})
    for left in set(folder.glob("weights-*.safetensors")) - set(paths):
        left.unlink()
    return paths


def read_shards(folder: Path) -> dict[str, "torch.Tensor"]:
    """All weights of a folder's files, as float32.

    Args:
        folder: A folder that `write_shards` wrote, or one with any .safetensors files of either form.

    Returns:
        Weights by name.

    Raises:
        DataError: There is none, or one cannot be read.
    """
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise DataError(f"{folder} holds no .safetensors file")
    return dequantise({name: tensor for path in paths for name, tensor in load_tensors(path)[0].items()})


def without(tensors: Tensors, parts: Iterable[str]) -> dict[str, "torch.Tensor"]:
    """Weights but for those whose name holds one of some words: a base model's own, that need no second copy."""
    left_out = tuple(parts)
    return {name: tensor for name, tensor in tensors.items() if not any(part in name for part in left_out)}
