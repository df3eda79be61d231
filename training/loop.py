"""The training loop: one loop for every task, readable from top to bottom."""

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from scodec.training.recipe import Recipe

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
Batch = dict[str, Tensor]


class Task(ABC):
    """What is trained: data, network and loss."""

    @abstractmethod
    def network(self) -> nn.Module:
        """The network as it starts."""

    @abstractmethod
    def batch(self, rng: np.random.Generator) -> Batch:
        """One batch of inputs and targets."""

    @abstractmethod
    def predict(self, network: nn.Module, batch: Batch) -> Any:
        """What the network makes of the inputs."""

    @abstractmethod
    def loss(self, output: Any, batch: Batch) -> Tensor:
        """How far that is from the targets."""

    @abstractmethod
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Figures of the pictures held out."""

    def critic(self) -> nn.Module | None:
        """The network that judges what is made, in adversarial trainings."""
        return None

    def judged(self, output: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Real and made pictures of a batch, as the critic sees them."""
        raise TypeError(f"{type(self).__name__} has no critic")


def train(task: Task, recipe: Recipe, run: Path, device: str, every: int, start: dict[str, Tensor] | None) -> nn.Module:
    """Train until `recipe.steps` and return the network with the averaged weights.

    `run` receives checkpoint.pt (taken up again when it is there) and log.jsonl (one line every `every` steps: step,
    loss, lr, seconds, validation figures). `start`: weights to begin from when there is no checkpoint, as far as they
    fit (see `adopt`).
    """
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    place = torch.device(device)
    network = task.network().to(place).to(memory_format=torch.channels_last)
    if start is not None:
        adopt(network, start)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_moving_average(recipe.ema))
    average.eval()
    optimizer = OPTIMIZERS[recipe.optimizer](network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    critic = task.critic()
    if critic is not None:
        critic = critic.to(place)
        critic_optimizer = torch.optim.Adam(critic.parameters(), lr=recipe.lr, betas=(0.5, 0.999))

    run.mkdir(parents=True, exist_ok=True)
    checkpoint, log = run / "checkpoint.pt", run / "log.jsonl"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=place, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
        if critic is not None:
            critic.load_state_dict(state["critic"])
            critic_optimizer.load_state_dict(state["critic_optimizer"])

    losses: list[float] = []
    began = time.monotonic()
    with tqdm(total=recipe.steps, initial=step, unit="step", desc=recipe.task) as progress:
        while step < recipe.steps:
            # The data of a step depends on the step alone, so a run taken up again sees what it would have seen.
            batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng((recipe.seed, step))).items()}
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * _share(step, recipe)
            with torch.autocast(place.type, torch.bfloat16):
                output = task.predict(network, batch)
                loss = task.loss(output, batch)
                if critic is not None and step >= recipe.adversarial_from:
                    real, made = task.judged(output, batch)
                    _teach(critic, critic_optimizer, real, made.detach())
                    loss = loss + recipe.adversarial * _believed(critic(made), True)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            average.update_parameters(network)
            losses.append(loss.item())
            step += 1
            progress.update()
            if step % every == 0 or step == recipe.steps:
                network.eval()
                with torch.no_grad(), torch.autocast(place.type, torch.bfloat16):
                    figures = task.validate(average.module, place)
                network.train()
                line: dict[str, Any] = {"step": step, "loss": float(np.mean(losses)), **figures}
                line |= {"lr": optimizer.param_groups[0]["lr"], "seconds": round(time.monotonic() - began)}
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                progress.set_postfix(loss=f"{line['loss']:.4g}")
                losses.clear()
                state = {"network": network.state_dict(), "average": average.state_dict()}
                state |= {"optimizer": optimizer.state_dict(), "step": step}
                if critic is not None:
                    state |= {"critic": critic.state_dict(), "critic_optimizer": critic_optimizer.state_dict()}
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").replace(checkpoint)
    return average.module


def adopt(network: nn.Module, start: dict[str, Tensor]) -> None:
    """Begin from the weights `start` of a network like this one: where a tensor is larger here, they are its first rows
    and columns; where it is smaller, it stays as it is."""
    state = network.state_dict()
    for name, known in start.items():
        new = state.get(name)
        if new is not None and new.ndim == known.ndim and all(map(int.__le__, known.shape, new.shape)):
            new[tuple(slice(size) for size in known.shape)] = known


def _teach(critic: nn.Module, optimizer: torch.optim.Optimizer, real: Tensor, made: Tensor) -> None:
    """One step of a critic's own."""
    loss = (_believed(critic(real), True) + _believed(critic(made), False)) / 2
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _believed(logits: Tensor, real: bool) -> Tensor:
    """The loss of a critic's logits that should tell real or made."""
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, float(real), dtype=torch.float32))


def _moving_average(decay: float) -> Callable[..., None]:
    """An exponential moving average that forgets the start faster than `decay` would."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch.optim.swa_utils.get_ema_multi_avg_fn(now)(average, current, count)

    return update


def _share(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    return min(1.0, (step + 1) / max(recipe.warmup, 1)) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
