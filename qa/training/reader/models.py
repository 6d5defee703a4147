"""Readers for training: loaded from weights of any form, with frozen lower layers and faster attention."""

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
    """Load a reader in float32, without dropout.

    Args:
        folder: Its configuration and weights, in full or as written by `export`. A model without a question answering
            head gets a new one.
        base: Folder of the model that this one was made from, for weights it lacks.

    Returns:
        The reader.

    Raises:
        DataError: Configuration or weights are missing, cannot be read, or don't match.
    """
    import torch
    from transformers import AutoConfig, AutoModelForQuestionAnswering

    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} has no model configuration: {first_line(error)}") from error
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_config(config, dtype=torch.float32)
    weights = {} if base is None else _named_for(model, read_shards(base))
    weights |= _named_for(model, read_shards(folder))
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        raise DataError(f"the weights in {folder} don't match its configuration: {first_line(error)}") from error
    lacking = [name for name in missing if not name.startswith(_HEAD)]
    if lacking:
        raise DataError(f"{folder} lacks {lacking[0]} and {len(lacking) - 1} more: give the base model's folder, too")
    return model


def _named_for(model: "PreTrainedModel", weights: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Select the weights that the model has, under its own names: those of a bare encoder lack the prefix."""
    known = set(model.state_dict())
    prefix = f"{model.base_model_prefix}."
    named = {name if name in known else prefix + name: tensor for name, tensor in weights.items()}
    return {name: tensor for name, tensor in named.items() if name in known}


def freeze(model: "PreTrainedModel", n_layers: int) -> None:
    """Freeze embeddings and the lowest layers, which also saves backpropagation through them.

    Args:
        model: The reader.
        n_layers: Number of layers, from the lowest.
    """
    model.base_model.embeddings.requires_grad_(requires_grad=False)
    for layer in model.base_model.encoder.layer[:n_layers]:
        layer.requires_grad_(requires_grad=False)


def depth_of(name: str, n_layers: int) -> int:
    """Return the number of layers above a parameter, 0 for those of the head."""
    _, found, rest = name.partition("encoder.layer.")
    return n_layers - int(rest.split(".")[0]) if found else 0


def trained(model: "PreTrainedModel") -> Iterator[tuple[str, "torch.nn.Parameter"]]:
    """Return the parameters that are not frozen, with their names."""
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def speed_up(model: "PreTrainedModel") -> None:
    """Give an MPNet fused attention, and freeze its position bias, which becomes the attention mask.

    Args:
        model: A reader; other kinds are left unchanged.
    """
    fuse_attention(model)
    if model.config.model_type == "mpnet":
        model.base_model.encoder.relative_attention_bias.requires_grad_(requires_grad=False)
