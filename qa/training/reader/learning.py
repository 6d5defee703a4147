"""Trains a reader: a constant rate that decays to 0 on request, averaged weights, and resuming from checkpoints."""

import copy
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from index.pretrained import pick_dtype
from qa.training.data.questions import DataError
from qa.training.data.windows import Batch, T, Window, collate, make_batches
from qa.training.reader.checkpoints import load_tensors, save_tensors
from qa.training.reader.models import depth_of, freeze, speed_up, trained

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

WEIGHTS, AVERAGE, DECAY_NOW = "last.safetensors", "average.safetensors", "decay-now"
Say = Callable[[str], None]

_NOWHERE = -1e4
_SAID_EVERY = 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters for training a reader.

    Attributes:
        steps: Step at which the rate begins to decay; None waits for the file `decay-now` in the folder.
        rate: Learning rate of the head.
        layer_decay: Factor of the rate from each layer to the one below.
        weight_decay: AdamW's, for matrices.
        clip: Largest norm of a step's gradient.
        warm_up_steps: Steps in which the rate rises, also after resuming, since the optimizer's state is not saved.
        decay_steps: Steps in which the rate decays to 0.
        frozen_layers: Number of lowest layers that are frozen.
        batch_tokens: Tokens per batch, processed by one thread.
        batches_per_step: Batches whose gradients are added up for a step.
        threads: Number of threads, each on one core.
        average: Decay of the moving average of weights, updated every fourth step.
        save_every_s: Seconds between checkpoints.
        seed: Random seed for examples and their order.
    """

    steps: int | None = None
    rate: float = 3e-5
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    clip: float = 1.0
    warm_up_steps: int = 60
    decay_steps: int = 200
    frozen_layers: int = 6
    batch_tokens: int = 800
    batches_per_step: int = 4
    threads: int = 2
    average: float = 0.985
    save_every_s: float = 600.0
    seed: int = 1


LARGE = Recipe()
"""For readers with a hundred million parameters."""

SMALL = Recipe(
    rate=7e-5, layer_decay=0.95, warm_up_steps=40, decay_steps=300, frozen_layers=0, batch_tokens=2000, average=0.97
)
"""For readers with twenty million parameters; the packaged fast reader was trained with it."""


def rate_at(step: int, begun: int, decay_from: int | None, recipe: Recipe) -> float:
    """Return the factor of the learning rate at a step: linear warm-up, constant, and linear decay once begun.

    Args:
        step: Number of steps done.
        begun: Number of steps done when training started or was resumed.
        decay_from: Step at which the decay began; None before that.
        recipe: Numbers of warm-up and decay steps.

    Returns:
        0 to 1.
    """
    share = min(1.0, (step - begun + 1) / recipe.warm_up_steps)
    if decay_from is not None:
        share *= max(0.0, 1 - (step - decay_from) / recipe.decay_steps)
    return share


def logits_of(model: "PreTrainedModel", batch: Batch) -> "torch.Tensor":
    """Compute a reader's logits for each token as start and as end.

    Args:
        model: The reader.
        batch: Its input.

    Returns:
        `(2, n_windows, n_tokens)` float32, starts first; where not allowed, low enough that the probability is 0.
    """
    import torch

    inputs = {"input_ids": batch.ids, "attention_mask": batch.mask}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = batch.types
    # Processors without bf16 emulate it, a hundred times slower than fp32.
    with torch.autocast("cpu", torch.bfloat16, enabled=pick_dtype("auto", "cpu") == torch.bfloat16):
        output = model(**inputs)
    return torch.stack([output.start_logits, output.end_logits]).float().masked_fill(~batch.allowed, _NOWHERE)


def loss_of(model: "PreTrainedModel", windows: Sequence[Window]) -> "torch.Tensor":
    """Compute the cross-entropy of start and end against the targets, summed over windows.

    Args:
        model: The reader.
        windows: Its input.

    Returns:
        A scalar.
    """
    import torch

    batch = collate(windows, model.config.pad_token_id or 0)
    return -(torch.stack([batch.starts, batch.ends]) * logits_of(model, batch).log_softmax(-1)).sum() / 2


class Learner:
    """A reader with its optimizer and its moving average of weights.

    Each thread has its own copy of the model, with separate gradients and shared weights, so threads wait for each
    other only at the end of a step.
    """

    def __init__(self, model: "PreTrainedModel", recipe: Recipe) -> None:
        """Prepare a reader for training.

        Args:
            model: The reader; its weights change in place.
            recipe: Hyperparameters.
        """
        import torch

        freeze(model, recipe.frozen_layers)
        speed_up(model)
        self.model = model.train()
        self.recipe = recipe
        self.parameters = dict(trained(model))
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self._averaged = 0
        self._twins = [self.model, *(_twin(model) for _ in range(recipe.threads - 1))]
        self._optimiser = torch.optim.AdamW(self._groups(), lr=recipe.rate, betas=(0.9, 0.98), fused=True)
        self._pool = ThreadPoolExecutor(recipe.threads, initializer=torch.set_num_threads, initargs=(1,))
        self._free: SimpleQueue[PreTrainedModel] = SimpleQueue()
        for twin in self._twins:
            self._free.put(twin)

    def _groups(self) -> list[dict[str, object]]:
        n_layers = self.model.config.num_hidden_layers
        return [
            {
                "params": [parameter],
                "share": self.recipe.layer_decay ** depth_of(name, n_layers),
                "weight_decay": self.recipe.weight_decay if parameter.ndim > 1 else 0.0,
            }
            for name, parameter in self.parameters.items()
        ]

    def step(self, batches: Sequence[Sequence[Window]], share: float) -> float:
        """Train on some batches.

        Args:
            batches: The batches.
            share: Factor of the learning rate, 0 to 1.

        Returns:
            The mean loss per window.
        """
        import torch

        n_windows = sum(len(batch) for batch in batches)
        longest_first = sorted(batches, key=lambda batch: -sum(len(window.ids) for window in batch))
        losses = list(self._pool.map(lambda batch: self._backward(batch, n_windows), longest_first))
        self._gather()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        for group in self._optimiser.param_groups:
            group["lr"] = self.recipe.rate * group["share"] * share
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return sum(losses)

    def _backward(self, batch: Sequence[Window], n_windows: int) -> float:
        model = self._free.get()
        try:
            loss = loss_of(model, batch) / n_windows
            loss.backward()  # type: ignore[no-untyped-call]
            return float(loss.detach())
        finally:
            self._free.put(model)

    def _gather(self) -> None:
        """Add the gradients of the other models to those of the first."""
        for twin in self._twins[1:]:
            for name, other in trained(twin):
                mine = self.parameters[name]
                if other.grad is not None:
                    mine.grad = other.grad if mine.grad is None else mine.grad.add_(other.grad)
                    other.grad = None

    def update_average(self) -> None:
        """Update the moving average; faster at first, so that it forgets the initial weights."""
        import torch

        self._averaged += 1
        past = min(self.recipe.average, 1 - 1 / (1 + self._averaged))
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                self.average[name].lerp_(parameter, 1 - past)

    def restore(self, weights: Mapping[str, "torch.Tensor"], average: Mapping[str, "torch.Tensor"]) -> None:
        """Load weights and average of a checkpoint.

        Args:
            weights: By name, float32.
            average: By name, in any precision.

        Raises:
            DataError: They belong to another model, or other layers were frozen.
        """
        import torch

        if set(weights) != set(self.parameters) or set(average) != set(self.parameters):
            raise DataError("the checkpoint is of another model, or other layers were frozen: use a new folder")
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(weights[name])
                self.average[name].copy_(average[name])
        self._averaged = round(1 / (1 - self.recipe.average))

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()


def _twin(model: "PreTrainedModel") -> "PreTrainedModel":
    """Copy a model so that it shares the weights, but has its own gradients."""
    twin = copy.deepcopy(model)
    for mine, other in zip(twin.parameters(), model.parameters(), strict=True):
        mine.data = other.data
    return twin


def batches_of(
    passes: Callable[[int], Sequence[T]],
    windows_of: Callable[[T, random.Random], Iterable[Window]],
    recipe: Recipe,
) -> Iterator[list[Window]]:
    """Yield batches without end, epoch after epoch; the same seed gives the same batches.

    Args:
        passes: Returns an epoch's pairs, or whatever windows are made of, for a seed.
        windows_of: Makes an item's windows.
        recipe: Batch size and seed.

    Yields:
        The batches.

    Raises:
        DataError: An epoch has no batches.
    """
    for number in count():
        seed = 1000 * recipe.seed + number
        empty = True
        rng = random.Random(seed)  # noqa: S311 (no secret)
        for batch in make_batches(passes(seed), windows_of, recipe.batch_tokens, rng):
            empty = False
            yield batch
        if empty:
            raise DataError("nothing to train on: no source of the mix has an example, or no text fits")


def learn(learner: Learner, batches: Iterator[list[Window]], folder: Path, say: Say) -> None:
    """Train until the rate has decayed to 0, saving checkpoints, and resuming from an existing one.

    Args:
        learner: The reader to train.
        batches: All batches, from the first; those used before the checkpoint are skipped.
        folder: Folder of the checkpoints; creating the file `decay-now` in it starts the decay.
        say: Prints a line.
    """
    recipe = learner.recipe
    step, decay_from = _resume(learner, folder)
    begun, losses, saved = step, list[float](), time.monotonic()
    for _ in islice(batches, step * recipe.batches_per_step):
        pass
    if step:
        say(f"resuming from step {step}")
    while decay_from is None or step - decay_from < recipe.decay_steps:
        if decay_from is None and (step == recipe.steps or (folder / DECAY_NOW).exists()):
            decay_from = step
        share = rate_at(step, begun, decay_from, recipe)
        losses.append(learner.step(list(islice(batches, recipe.batches_per_step)), share))
        step += 1
        if step % 4 == 0:
            learner.update_average()
        if step % _SAID_EVERY == 0:
            say(f"step {step}: loss {sum(losses[-100:]) / len(losses[-100:]):.3f}, rate {recipe.rate * share:.1e}")
        if time.monotonic() - saved > recipe.save_every_s:
            _save(learner, folder, step, decay_from, done="no")
            saved = time.monotonic()
    _save(learner, folder, step, decay_from, done="yes")
    say(f"done after {step} steps")


def _resume(learner: Learner, folder: Path) -> tuple[int, int | None]:
    """Load the checkpoint, if there is one.

    Args:
        learner: Receives the weights.
        folder: Folder of the checkpoints.

    Returns:
        Its step, and the step at which the decay began; 0 and None if there is no checkpoint.

    Raises:
        DataError: It cannot be read, or belongs to other weights or another seed.
    """
    if not (folder / WEIGHTS).exists():
        return 0, None
    weights, about = load_tensors(folder / WEIGHTS)
    average, _ = load_tensors(folder / AVERAGE)
    learner.restore(weights, average)
    if about.get("seed") != str(learner.recipe.seed):
        raise DataError(f"{folder / WEIGHTS} was trained with seed {about.get('seed')}: use that, or a new folder")
    return int(about["step"]), int(about["decay_from"]) if about["decay_from"] else None


def _save(learner: Learner, folder: Path, step: int, decay_from: int | None, done: str) -> None:
    """Save a checkpoint, the average first: without weights, nothing is resumed."""
    import torch

    falls = "" if decay_from is None else str(decay_from)
    about = {"step": str(step), "seed": str(learner.recipe.seed), "decay_from": falls, "done": done}
    average = {name: tensor.to(torch.float16) for name, tensor in learner.average.items()}
    save_tensors(average, folder / AVERAGE, about)
    save_tensors(learner.parameters, folder / WEIGHTS, about)
