"""Trains the embedder to put questions near the passages that answer them, then averages in its original weights.

With our own loop: sentence-transformers' trainer depends on `datasets` and `accelerate`, and so on pyarrow.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from index.pretrained import first_line, hash_weights, load_tokenizer, pick_dtype, quiet_loading
from index.retrieval.embedding import embedder_folder
from index.settings import Settings
from qa.training.data.examples import load_checked
from qa.training.data.question_passage_pairs import PASSAGE_TOKENS, Batch, Pairing, is_for_embedder
from qa.training.data.questions import DataError
from qa.training.reader.checkpoints import load_tensors, save_tensors
from qa.training.reader.learning import WEIGHTS, Say
from qa.training.reader.models import freeze, trained

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

MADE = "embedder"
"""Name of the folder with the trained embedder, in the checkpoint's folder."""

_QUESTION_TOKENS = 64
_TEXTS_AT_ONCE = 16
_SAID_EVERY = 10
_CONFIGURATION = ("*.json", "*.txt", "*.model")


@dataclass(frozen=True, slots=True)
class EmbedderRecipe:
    """Hyperparameters for training an embedder.

    Attributes:
        steps: Number of steps; the rate rises at first and decays linearly to 0.
        rate: Learning rate.
        frozen_layers: Number of lowest layers that are frozen, as the word embeddings are.
        keep_original: Share of the original weights in the average that is written, 0 to 1 (Wortsman et al. 2022,
            "Robust fine-tuning of zero-shot models", equation 1).
        questions_per_step: Most questions per batch; more mean more in-batch negatives for each.
        scale: Factor of the cosines.
        weight_decay: AdamW's, for matrices.
        clip: Largest norm of a step's gradient.
        warm_up_steps: Steps in which the rate rises, also after resuming, since the optimizer's state is not saved.
        save_every_s: Seconds between checkpoints.
        seed: Random seed for examples, their order, negatives and crops.
    """

    steps: int = 100
    rate: float = 5e-5
    frozen_layers: int = 3
    keep_original: float = 0.5
    questions_per_step: int = 64
    scale: float = 20.0
    weight_decay: float = 0.01
    clip: float = 1.0
    warm_up_steps: int = 10
    save_every_s: float = 120.0
    seed: int = 1


def run(data: Path, out: Path, recipe: EmbedderRecipe, settings: Settings, say: Say) -> None:
    """Train the configured embedder, resuming an earlier run, and write the result.

    Args:
        data: Training data.
        out: Folder for the checkpoint; the trained embedder is written to its subfolder `embedder`.
        recipe: Hyperparameters.
        settings: The embedder to start from.
        say: Prints a line.

    Raises:
        DataError: Data, embedder or checkpoint cannot be used; the message says why.
    """
    start = embedder_folder(settings)
    if out.resolve() in (start.resolve(), *start.resolve().parents):
        raise DataError(f"out={str(out)!r} contains the embedder to start from, {start}: name another folder")
    examples = [example for example in load_checked(data, say) if is_for_embedder(example)]
    pairing = Pairing(examples, load_tokenizer(start), recipe.questions_per_step, recipe.seed)
    say(f"{len(examples)} questions to train on")
    learner = EmbedderLearner(start, recipe)
    learn(learner, pairing, out, say)
    learner.write(out / MADE)
    say(f"written: {out / MADE}")


class EmbedderLearner:
    """An embedder and its optimizer."""

    def __init__(self, start: Path, recipe: EmbedderRecipe) -> None:
        """Load the embedder for training.

        Args:
            start: Folder of the embedder to start from.
            recipe: Hyperparameters.

        Raises:
            DataError: It cannot be loaded or trained, or all its layers would be frozen.
        """
        import torch

        self.start = start
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        self._model = _load(start)
        self.encoder: PreTrainedModel = self._model[0].auto_model
        _freeze_below(self.encoder, recipe.frozen_layers)
        self.parameters = dict(trained(self.encoder))
        self._original = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._padding = self.encoder.config.pad_token_id or 0
        self._questions = _cutting_tokenizer(start, _QUESTION_TOKENS)
        self._passages = _cutting_tokenizer(start, PASSAGE_TOKENS)
        matrices = [parameter for parameter in self.parameters.values() if parameter.ndim > 1]
        vectors = [parameter for parameter in self.parameters.values() if parameter.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=recipe.rate)

    def step(self, batch: Batch, share: float) -> float:
        """Train on a batch.

        Args:
            batch: The batch.
            share: Factor of the learning rate, 0 to 1.

        Returns:
            The mean loss per question.
        """
        import torch

        loss = self.loss_of(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        for group in self._optimiser.param_groups:
            group["lr"] = self.recipe.rate * share
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def loss_of(self, batch: Batch) -> "torch.Tensor":
        """Return the cross-entropy of the answering passages among all that a question is ranked against.

        Only from questions to passages, as in search (multiple negatives ranking: Henderson et al. 2017, "Efficient
        natural language response suggestion", section 4.4).

        Args:
            batch: n questions with their passages.

        Returns:
            A scalar.
            A scalar.
        """
        import torch

        cosines = self._embed(batch.questions, self._questions) @ self._embed(batch.passages, self._passages).T
        scores = (self.recipe.scale * cosines).masked_fill(~torch.from_numpy(batch.allowed), -math.inf)
        return torch.nn.functional.cross_entropy(scores, torch.arange(len(batch.questions)))

    def _embed(self, texts: Sequence[str], tokenizer: Tokenizer) -> "torch.Tensor":
        """Embed texts as unit vectors, `(len(texts), dimension)` float32, in chunks of similar length."""
        import torch

        ids = [torch.tensor(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(ids)), key=lambda position: len(ids[position]))
        chunks = [order[first : first + _TEXTS_AT_ONCE] for first in range(0, len(order), _TEXTS_AT_ONCE)]
        vectors = torch.cat([self._forward([ids[position] for position in chunk]) for chunk in chunks])
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.nn.functional.normalize(vectors[back])

    def _forward(self, ids: Sequence["torch.Tensor"]) -> "torch.Tensor":
        import torch

        padded = torch.nn.utils.rnn.pad_sequence(list(ids), batch_first=True, padding_value=self._padding)
        lengths = torch.tensor([len(row) for row in ids])
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()
        # Processors without bf16 emulate it, a hundred times slower than fp32.
        with torch.autocast("cpu", torch.bfloat16, enabled=pick_dtype("auto", "cpu") == torch.bfloat16):
            output = self._model({"input_ids": padded, "attention_mask": mask})
        vectors: torch.Tensor = output["sentence_embedding"].float()
        return vectors

    def restore(self, weights: Mapping[str, "torch.Tensor"]) -> None:
        """Load the weights of a checkpoint.

        Args:
            weights: By name, float32.

        Raises:
            DataError: They belong to another model, or other layers were frozen.
        """
        import torch

        if {name: w.shape for name, w in weights.items()} != {name: p.shape for name, p in self.parameters.items()}:
            raise DataError("the checkpoint is of another model, or other layers were frozen: use a new folder")
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(weights[name])

    def write(self, folder: Path) -> None:
        """Write the average of original and trained weights, in fp16, with the original's other files.

        Args:
            folder: The folder, replaced when everything is written.
        """
        import torch

        keep = self.recipe.keep_original
        weights = {name: tensor.detach() for name, tensor in self.encoder.state_dict().items()}
        for name, original in self._original.items():
            weights[name] = keep * original + (1 - keep) * weights[name]
        halves = {name: w.to(torch.float16) if w.is_floating_point() else w for name, w in weights.items()}
        made = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        _copy_configuration(self.start, made)
        save_tensors(halves, made / "model.safetensors", {"format": "pt"})
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _load(start: Path) -> "SentenceTransformer":
    """Load an embedder in float32, without dropout.

    Args:
        start: Its folder.

    Returns:
        The model.

    Raises:
        DataError: It cannot be loaded, or has an unknown architecture.
    """
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        with quiet_loading():
            model = SentenceTransformer(str(start), device="cpu", model_kwargs={"dtype": torch.float32})
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{start} has no embedder that can be trained: {first_line(error)}") from error
    encoder = getattr(model[0], "auto_model", None)
    if not hasattr(getattr(encoder, "encoder", None), "layer"):
        raise DataError(f"{start} has an embedder with other layers than BERT's: it cannot be trained here")
    return model.eval().requires_grad_(requires_grad=False)


def _freeze_below(encoder: "PreTrainedModel", n_layers: int) -> None:
    """Freeze the lowest layers, and make the others trainable.

    Args:
        encoder: The encoder.
        n_layers: Number of lowest layers to freeze.

    Raises:
        DataError: No layer would be trained.
    """
    there = len(encoder.encoder.layer)
    if n_layers >= there:
        raise DataError(f"frozen_layers={n_layers} leaves nothing to train: the embedder has {there} layers")
    encoder.encoder.layer.requires_grad_(requires_grad=True)
    freeze(encoder, n_layers)


def _cutting_tokenizer(start: Path, n_tokens: int) -> Tokenizer:
    tokenizer = load_tokenizer(start)
    tokenizer.enable_truncation(n_tokens)
    return tokenizer


def _copy_configuration(start: Path, folder: Path) -> None:
    """Copy an embedder's folder without the encoder's weights: its tokenizer and the modules after the encoder.

    Copied, not saved again: newer versions of sentence-transformers write files that older ones cannot read.
    """
    folder.mkdir(parents=True)
    for pattern in _CONFIGURATION:
        for file in start.glob(pattern):
            if not file.name.endswith(".index.json"):
                shutil.copyfile(file, folder / file.name)
    for module in start.glob("[0-9]_*/"):
        shutil.copytree(module, folder / module.name)


def learn(learner: EmbedderLearner, pairing: Pairing, folder: Path, say: Say) -> None:
    """Train for all steps, saving checkpoints, and resuming from an existing one.

    Args:
        learner: The embedder to train.
        pairing: Makes the batches.
        folder: Folder of the checkpoint.
        say: Prints a line.
    """
    recipe = learner.recipe
    begun = _resume(learner, folder)
    if begun:
        say(f"resuming from step {begun}")
    losses, began = list[float](), time.monotonic()
    saved = began
    for step, examples in enumerate(islice(pairing.batches(), begun, max(begun, recipe.steps)), begun):
        share = rate_at(step, begun, recipe)
        losses.append(learner.step(pairing.make(examples, step), share))
        done, now = step + 1, time.monotonic()
        if done % _SAID_EVERY == 0:
            loss = sum(losses[-_SAID_EVERY:]) / len(losses[-_SAID_EVERY:])
            pace = (now - began) / len(losses)
            say(f"step {done}: loss {loss:.3f}, rate {recipe.rate * share:.1e}, {pace:.1f} s a step")
        if done == recipe.steps or now - saved > recipe.save_every_s:
            _save(learner, folder, done)
            saved = now


def rate_at(step: int, begun: int, recipe: EmbedderRecipe) -> float:
    """Return the factor of the learning rate at a step: linear warm-up, then linear decay to 0.

    Args:
        step: Number of steps done.
        begun: Number of steps done when training started or was resumed.
        recipe: Numbers of steps and of warm-up steps.

    Returns:
        0 to 1.
    """
    return min(1.0, (step - begun + 1) / recipe.warm_up_steps) * (1 - step / recipe.steps)


def _resume(learner: EmbedderLearner, folder: Path) -> int:
    """Load the checkpoint, if there is one.

    Args:
        learner: Receives the weights.
        folder: Folder of the checkpoint.

    Returns:
        Its step; 0 if there is none.

    Raises:
        DataError: It cannot be read, or belongs to another embedder, other layers or another seed.
    """
    if not (folder / WEIGHTS).exists():
        return 0
    weights, about = load_tensors(folder / WEIGHTS)
    if about.get("start") != hash_weights(learner.start):
        raise DataError(f"{folder / WEIGHTS} was trained from another embedder: set that one, or name a new folder")
    if about.get("seed") != str(learner.recipe.seed):
        raise DataError(f"{folder / WEIGHTS} was trained with seed {about.get('seed')}: use that, or a new folder")
    learner.restore(weights)
    return int(about["step"])


def _save(learner: EmbedderLearner, folder: Path, step: int) -> None:
    about = {"step": str(step), "seed": str(learner.recipe.seed), "start": hash_weights(learner.start)}
    save_tensors(learner.parameters, folder / WEIGHTS, about)
