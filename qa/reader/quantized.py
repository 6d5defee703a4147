"""Quantized weights, 8-bit integers with a scale per row, and loading of models from them."""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import ModelError
from index.pretrained import first_line

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

SHARDS = "weights-*.safetensors"


def dequantise(small: "Mapping[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """Dequantize weights to float32.

    Args:
        small: `NAME.int8` (rows, columns) and `NAME.scale` (rows,) stand for a matrix whose rows are the integers
            times the row's scale; any other `NAME` is taken as it is.

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


def read_shards(folder: Path, pattern: str = "*.safetensors") -> "dict[str, torch.Tensor]":
    """Read all weights from a folder's files, as float32.

    Args:
        folder: A folder with .safetensors files, quantized or not.
        pattern: Glob pattern of the files' names.

    Returns:
        Weights by name.

    Raises:
        ModelError: No file matches, or one cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    paths = sorted(folder.glob(pattern))
    if not paths:
        raise ModelError(f"{folder} holds no {pattern.replace('*', '')} file")
    small: dict[str, torch.Tensor] = {}
    for path in paths:
        try:
            small |= load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
    return dequantise(small)


def load_model(folder: Path, dtype: "torch.dtype") -> "PreTrainedModel":
    """Load a reader's model from files, quantized or not.

    Args:
        folder: A folder with configuration and weights.
        dtype: Type of the model's parameters.

    Returns:
        The model, in evaluation mode.

    Raises:
        OSError: The configuration or the weights are missing or damaged; raised by transformers.
        ModelError: Quantized weights are damaged or incomplete.
    """
    import torch
    from transformers import AutoConfig, AutoModelForQuestionAnswering

    if not any(folder.glob(SHARDS)):
        return AutoModelForQuestionAnswering.from_pretrained(folder, dtype=dtype).eval()
    config = AutoConfig.from_pretrained(folder)
    weights = read_shards(folder, SHARDS)
    with torch.device("meta"):  # takes no memory: only the class is needed
        kind = type(AutoModelForQuestionAnswering.from_config(config))
    model, about = kind.from_pretrained(None, config=config, state_dict=weights, dtype=dtype, output_loading_info=True)
    if about["missing_keys"]:
        raise ModelError(f"{folder} lacks the weights {sorted(about['missing_keys'])[0]}; install it again")
    fuse_attention(model)
    return model.eval()


def fuse_attention(model: "PreTrainedModel") -> None:
    """Replace an MPNet model's attention by a fused one, which transformers lacks; other models are unchanged."""
    if model.config.model_type != "mpnet":
        return
    encoder = model.base_model.encoder
    encoder.forward = types.MethodType(_encode, encoder)
    for layer in encoder.layer:
        layer.attention.attn.forward = types.MethodType(_attend, layer.attention.attn)


def _encode(encoder: Any, hidden_states: "torch.Tensor", attention_mask: Any = None, **_: Any) -> Any:  # noqa: ANN401
    """MPNetEncoder.forward with position bias and mask added once for all layers."""
    from transformers.modeling_outputs import BaseModelOutput

    bias = encoder.compute_position_bias(hidden_states)
    mask = (bias if attention_mask is None else bias + attention_mask).detach()
    for layer in encoder.layer:
        hidden_states = layer(hidden_states, None, mask)[0]
    return BaseModelOutput(last_hidden_state=hidden_states)


def _attend(
    attention: Any,  # noqa: ANN401
    hidden_states: "torch.Tensor",
    attention_mask: None = None,  # noqa: ARG001
    position_bias: Any = None,  # noqa: ANN401
    **_: Any,  # noqa: ANN401
) -> "tuple[torch.Tensor]":
    """MPNetSelfAttention.forward with scaled_dot_product_attention."""
    from torch.nn.functional import scaled_dot_product_attention

    n, length, _width = hidden_states.shape
    heads = attention.num_attention_heads
    query, key, value = (
        part(hidden_states).view(n, length, heads, -1).transpose(1, 2)
        for part in (attention.q, attention.k, attention.v)
    )
    mixed = scaled_dot_product_attention(query, key, value, attn_mask=position_bias.to(query.dtype))
    return (attention.o(mixed.transpose(1, 2).reshape(n, length, -1)),)
