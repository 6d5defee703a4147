"""Readers as they are trained: loaded from weights of any form, low layers frozen, attention made fast."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from index.pretrained import first_line
from qa.reader.quantized import fuse_attention, read_shards
from qa.training.data.questions import DataError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_HEAD = "qa_outputs."


def load_reader(folder: Path, base: Path | None = None) -> "PreTrainedModel":
    """A reader in float32, without dropout.

    Args:
        folder: Its configuration and weights, in full or as `export` wrote them. A model that is no reader yet
            gets a new head.
        base: Folder of the model it was made from, for weights that the first does not hold.

    Returns:
        The reader.

    Raises:
        DataError: Configuration or weights are missing, cannot be read, or do not fit one another.
    """
    import torch
    from transformers import AutoConfig, AutoModelForQuestionAnswering

    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} holds no model's configuration: {first_line(error)}") from error
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_config(config, dtype=torch.float32)
    weights = {} if base is None else _named_for(model, read_shards(base))
    weights |= _named_for(model, read_shards(folder))
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        raise DataError(f"the weights in {folder} do not fit its configuration: {first_line(error)}") from error
    lacking = [name for name in missing if not name.startswith(_HEAD)]
    if lacking:
        raise DataError(f"{folder} lacks {lacking[0]} and {len(lacking) - 1} more: name the base model's folder, too")
    return model


def _named_for(model: "PreTrainedModel", weights: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Those of the weights that the model has, under its names: a bare encoder's lack the prefix."""
    known = set(model.state_dict())
    prefix = f"{model.base_model_prefix}."
    named = {name if name in known else prefix + name: tensor for name, tensor in weights.items()}
    return {name: tensor for name, tensor in named.items() if name in known}


def freeze(model: "PreTrainedModel", n_layers: int) -> None:
    """Leave embeddings and the lowest layers as they are: each layer frozen saves the way back through it.

    Args:
        model: The reader.
        n_layers: How many layers, from the lowest.
    """
    model.base_model.embeddings.requires_grad_(requires_grad=False)
    for layer in model.base_model.encoder.layer[:n_layers]:
        layer.requires_grad_(requires_grad=False)


def depth_of(name: str, n_layers: int) -> int:
    """How many layers lie between a parameter and the head, 0 for the head itself."""
    _, found, rest = name.partition("encoder.layer.")
    return n_layers - int(rest.split(".")[0]) if found else 0


def trained(model: "PreTrainedModel") -> Iterator[tuple[str, "torch.nn.Parameter"]]:
    """Parameters that are not frozen, with their names."""
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def speed_up(model: "PreTrainedModel") -> None:
    """Give an MPNet fused attention; its position bias, the mask of it, is frozen.

    Args:
        model: A reader; one of another kind is left as it is.
    """
    fuse_attention(model)
    if model.config.model_type == "mpnet":
        model.base_model.encoder.relative_attention_bias.requires_grad_(requires_grad=False)
