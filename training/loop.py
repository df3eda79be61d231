"""The training loop: one loop for every task, readable from top to bottom."""

import copy
import json
import math
import signal
import sys
import threading
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
#: What a critic looks at, and its logits: one tensor or several.
Seen = Tensor | list[Tensor]
#: Steps between two comparisons of gradients, and how much the last ones count in the weight that comes of them.
COMPARED, MEMORY = 10, 0.9
#: A training of so many steps is told how long it will take.
WORTH_TIMING = 100


class Task(ABC):
    """What is trained: data, network and loss."""

    @abstractmethod
    def network(self) -> nn.Module:
        """The network as it starts."""

    @abstractmethod
    def batch(self, rng: np.random.Generator) -> Batch:
        """One batch of inputs and targets."""

    def ready(self, device: torch.device) -> None:  # noqa: B027  (most need nothing)
        """Called once before the first batch: what lies in memory may go to the device."""

    def finished(self, network: nn.Module) -> None:  # noqa: B027
        """Called at the end with what will be exported."""

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Parameters and the share of the learning rate that they get."""
        return [{"params": list(network.parameters()), "share": 1.0}]

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

    def judged(self, output: Any, batch: Batch) -> tuple[Seen, Seen]:
        """Real and made pictures of a batch, as the critic sees them."""
        raise TypeError(f"{type(self).__name__} has no critic")

    def made(self, output: Any) -> Tensor:
        """What the critic's pictures are made from; there the gradients are compared when the recipe is `balanced`."""
        raise TypeError(f"{type(self).__name__} does not balance its critic")


def train(task: Task, recipe: Recipe, run: Path, device: str, every: int, start: dict[str, Tensor] | None) -> nn.Module:
    """Train until `recipe.steps` and return the network with the averaged weights.

    `run` receives checkpoint.pt (taken up again when it is there) and log.jsonl (one line every `every` steps: step,
    loss, lr, seconds, validation figures). `start`: weights to begin from when there is no checkpoint, as far as they
    fit (see `adopt`).
    """
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    place = torch.device(device)
    task.ready(place)
    network = task.network().to(place).to(memory_format=torch.channels_last)
    if start is not None:
        adopt(network, start)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_moving_average(recipe.ema))
    average.eval()
    optimizer = OPTIMIZERS[recipe.optimizer](task.groups(network), lr=recipe.lr, weight_decay=recipe.weight_decay)
    critic = task.critic()
    weight = recipe.adversarial
    if critic is not None:
        critic = critic.to(place)
        critic_optimizer = torch.optim.Adam(critic.parameters(), lr=recipe.critic_lr or recipe.lr, betas=(0.5, 0.999))

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
            weight = state["weight"]

    def save() -> None:
        state: dict[str, Any] = {"network": network.state_dict(), "average": average.state_dict()}
        state |= {"optimizer": optimizer.state_dict(), "step": step}
        if critic is not None:
            state |= {"critic": critic.state_dict(), "critic_optimizer": critic_optimizer.state_dict()}
            state |= {"weight": weight}
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").replace(checkpoint)

    losses: list[float] = []
    if recipe.steps - step >= WORTH_TIMING:
        with torch.random.fork_rng():
            hours = _seconds_a_step(task, recipe, network, place) * (recipe.steps - step) / 3600
        tqdm.write(f"{recipe.steps - step} steps, about {hours:.1f} hours on {place}", file=sys.stderr)
    began = time.monotonic()
    bar = tqdm(total=recipe.steps, initial=step, unit="step", desc=recipe.task)
    with bar as progress, _Interrupt() as interrupt:
        while step < recipe.steps:
            if interrupt.asked:
                save()
                raise KeyboardInterrupt
            # The data of a step depends on the step alone, so a run taken up again sees what it would have seen.
            batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng((recipe.seed, step))).items()}
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * group["share"] * _share(step, recipe)
            with torch.autocast(place.type, torch.bfloat16):
                output = task.predict(network, batch)
                loss = task.loss(output, batch)
                if critic is not None and step >= recipe.adversarial_from:
                    real, made = task.judged(output, batch)
                    _teach(critic, critic_optimizer, real, _detached(made))
                    critic.requires_grad_(False)
                    doubt = _believed(critic(made), True)
                    critic.requires_grad_(True)
                    if recipe.balanced and (step % COMPARED == 0 or step == recipe.adversarial_from):
                        ratio = recipe.adversarial * _ratio(loss, doubt, task.made(output))
                        weight = ratio if step == recipe.adversarial_from else MEMORY * weight + (1 - MEMORY) * ratio
                    loss = loss + weight * doubt
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
                save()
    task.finished(average.module)
    return average.module


def _seconds_a_step(task: Task, recipe: Recipe, network: nn.Module, place: torch.device) -> float:
    """What a step takes: measured on the second try; a critic costs about half as much.

    A copy and random numbers of its own, so that the training is the same with and without.
    """
    network = copy.deepcopy(network)
    for _ in range(2):
        began = time.monotonic()
        batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng(0)).items()}
        with torch.autocast(place.type, torch.bfloat16):
            loss = task.loss(task.predict(network, batch), batch)
        loss.backward()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        seconds = time.monotonic() - began
    return seconds * (1.5 if recipe.adversarial else 1)


class _Interrupt:
    """Ctrl-C ends the step first, so that its checkpoint is whole; a second one ends at once."""

    def __enter__(self) -> "_Interrupt":
        self.asked = False
        # other threads than the main one may not and need not
        self.before = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
        if self.before is not None:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, *_: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *_: Any) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)


def adopt(network: nn.Module, start: dict[str, Tensor]) -> None:
    """Begin from the weights `start` of a network like this one: where a tensor is larger here, they are its first rows
    and columns; where it is smaller, it stays as it is."""
    state = network.state_dict()
    for name, known in start.items():
        new = state.get(name)
        if new is not None and new.ndim == known.ndim and all(map(int.__le__, known.shape, new.shape)):
            new[tuple(slice(size) for size in known.shape)] = known


def _ratio(loss: Tensor, doubt: Tensor, made: Tensor) -> float:
    """How much larger the gradient of the one is than that of the other where the pictures are made
    (Esser et al. 2021, section 3.1)."""
    wanted, own = (torch.autograd.grad(each, made, retain_graph=True)[0].norm() for each in (loss, doubt))
    return float(wanted / (own + 1e-8))


def _detached(seen: Seen) -> Seen:
    return seen.detach() if isinstance(seen, Tensor) else [each.detach() for each in seen]


def _teach(critic: nn.Module, optimizer: torch.optim.Optimizer, real: Seen, made: Seen) -> None:
    """One step of a critic's own."""
    loss = (_believed(critic(real), True) + _believed(critic(made), False)) / 2
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _believed(logits: Seen, real: bool) -> Tensor:
    """The loss of a critic's logits that should tell real or made."""
    parts = [logits] if isinstance(logits, Tensor) else logits
    return torch.stack([F.softplus(-each.float() if real else each.float()).mean() for each in parts]).mean()


def _moving_average(decay: float) -> Callable[..., None]:
    """An exponential moving average that forgets the start faster than `decay` would."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch.optim.swa_utils.get_ema_multi_avg_fn(now)(average, current, count)

    return update


def _share(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    return min(1.0, (step + 1) / max(recipe.warmup, 1)) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
