"""Quantizes weights to int8 with a scale per row, in files small enough for a repository."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qa.training.data.questions import DataError
from qa.training.reader.checkpoints import save_tensors

if TYPE_CHECKING:
    import torch

SHARD_BYTES = 49_000_000
LARGEST = 127

Tensors = Mapping[str, "torch.Tensor"]


def quantise(tensors: Tensors) -> dict[str, "torch.Tensor"]:
    """Quantize matrices to int8 with a scale per row, and everything else to fp16.

    Args:
        tensors: Weights by name, float32.

    Returns:
        `NAME.int8` (rows, columns) and `NAME.scale` (rows,) float32 for each matrix, `NAME` fp16 for the rest: the
        input of `qa.reader.quantized.dequantise`.
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


def write_shards(small: Tensors, folder: Path, largest: int = SHARD_BYTES) -> list[Path]:
    """Write weights to files of limited size, `weights-1.safetensors` and so on.

    Args:
        small: Weights by name.
        folder: Folder to write to.
        largest: Most bytes per file; no tensor may be larger.

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
            raise DataError(f"{name} has {size} bytes, but a file may have at most {largest}")
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
