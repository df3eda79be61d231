"""The training loop: one loop for every task, readable from top to bottom."""

import copy
import json
import math
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from scodec.models.receiver import best_dtype
from scodec.training import graphs
from scodec.training.recipe import Recipe

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
Batch = dict[str, Tensor]
#: What a critic looks at, and its logits: one tensor or several.
Seen = Tensor | list[Tensor]
#: Steps between two comparisons of gradients, and how much the last ones count in the weight that comes of them.
COMPARED, MEMORY = 10, 0.9
#: Steps for which a balanced critic learns before the network hears it: what it says at first is noise.
UNHEARD = 200
#: A training of so many steps is told how long it will take.
WORTH_TIMING = 100


class Task(ABC):
    """What is trained: data, network and loss."""

    #: Whether a GPU may record a step: nothing in `predict`, `loss` and `judged` waits for the device or copies to it.
    replayed = False

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
    torch.set_float32_matmul_precision("high")
    task.ready(place)
    network = task.network().to(place).to(memory_format=torch.channels_last)
    if start is not None:
        adopt(network, start)
    update = Update(task, recipe, network, place)

    run.mkdir(parents=True, exist_ok=True)
    checkpoint, log = run / "checkpoint.pt", run / "log.jsonl"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=place, weights_only=True)
        update.load_state_dict(state)
        step = state["step"]

    def save() -> None:
        torch.save(update.state_dict() | {"step": step}, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").replace(checkpoint)

    losses: list[Tensor] = []
    if recipe.steps - step >= WORTH_TIMING:
        with torch.random.fork_rng():
            hours = _seconds_a_step(task, recipe, network, place) * (recipe.steps - step) / 3600
        tqdm.write(f"{recipe.steps - step} steps, about {hours:.1f} hours on {place}", file=sys.stderr)
    began = time.monotonic()
    bar = tqdm(total=recipe.steps, initial=step, unit="step", desc=recipe.task)
    with bar as progress, _Interrupt() as interrupt, graphs.Batches(task, recipe.seed, place) as batches:
        do = graphs.Replayed(update) if place.type == "cuda" and task.replayed else update
        while step < recipe.steps:
            if interrupt.asked:
                save()
                raise KeyboardInterrupt
            update.prepare(step)
            losses.append(do(batches.take(step), update.stage(step)).clone())
            step += 1
            if step < recipe.steps:
                batches.ahead(step)
            progress.update()
            if step % every == 0 or step == recipe.steps:
                network.eval()
                with torch.no_grad(), _autocast(place):
                    figures = task.validate(update.average, place)
                network.train()
                line: dict[str, Any] = {"step": step, "loss": float(torch.stack(losses).mean()), **figures}
                line |= {"lr": recipe.lr * _share(step - 1, recipe), "seconds": round(time.monotonic() - began)}
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                progress.set_postfix(loss=f"{line['loss']:.4g}")
                losses.clear()
                save()
    task.finished(update.average)
    return update.average


class Update:
    """One step of a training: the critic's, if there is one, the network's, and that of the averaged weights.

    All that changes from step to step is a tensor, and nothing waits for the device, so that a GPU can replay it.
    """

    def __init__(self, task: Task, recipe: Recipe, network: nn.Module, place: torch.device) -> None:
        self.task, self.recipe, self.network, self.place = task, recipe, network, place
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        replayed = place.type == "cuda" and task.replayed
        fast: dict[str, Any] = {"capturable": True, "fused": True} if replayed else {}
        groups = [{**group, "lr": torch.zeros((), device=place) if replayed else 0.0} for group in task.groups(network)]
        self.optimizer = OPTIMIZERS[recipe.optimizer](groups, weight_decay=recipe.weight_decay, **fast)
        self.critic = task.critic()
        self.weight = torch.tensor(recipe.adversarial, device=place)
        self.forgotten = torch.tensor(0.0, device=place)  # share of the average that a step replaces
        if self.critic is not None:
            self.critic.to(place)
            self.critic_optimizer = torch.optim.Adam(
                self.critic.parameters(), lr=recipe.critic_lr or recipe.lr, betas=(0.5, 0.999), **fast
            )

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"network": self.network.state_dict(), "average": self.average.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict()}
        if self.critic is not None:
            state |= {"critic": self.critic.state_dict(), "critic_optimizer": self.critic_optimizer.state_dict()}
            state |= {"weight": self.weight}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.critic is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimizer.load_state_dict(state["critic_optimizer"])
            self.weight.copy_(state["weight"])

    def stage(self, step: int) -> str:
        """What kind of step it is: they differ in more than numbers."""
        if self.critic is None or step < self.recipe.adversarial_from:
            return "alone"
        if not self.recipe.balanced:
            return "judged"
        if step < self.recipe.adversarial_from + UNHEARD:
            return "unheard"
        if step == self.recipe.adversarial_from + UNHEARD:
            return "first judged"
        return "weighed" if step % COMPARED == 0 else "judged"

    def prepare(self, step: int) -> None:
        """Set the numbers of a step: the learning rate, and a moving average that forgets the start faster."""
        for group in self.optimizer.param_groups:
            rate = self.recipe.lr * group["share"] * _share(step, self.recipe)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.forgotten.fill_(1 - min(self.recipe.ema, (1 + step) / (10 + step)))

    def __call__(self, batch: Batch, stage: str) -> Tensor:
        task, recipe, critic = self.task, self.recipe, self.critic
        with _autocast(self.place):
            output = task.predict(self.network, batch)
            loss = task.loss(output, batch)
            if critic is not None and stage != "alone":
                real, made = task.judged(output, batch)
                _teach(critic, self.critic_optimizer, real, _detached(made))
            if stage in ("judged", "first judged", "weighed"):
                critic.requires_grad_(False)
                doubt = _believed(critic(made), True)
                critic.requires_grad_(True)
                if stage != "judged":
                    ratio = recipe.adversarial * _ratio(loss, doubt, task.made(output))
                    self.weight.copy_(ratio if stage == "first judged" else self.weight.lerp(ratio, 1 - MEMORY))
                loss = loss + self.weight * doubt
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        with torch.no_grad():
            mine, other = list(self.average.parameters()), list(self.network.parameters())
            change = torch._foreach_sub(other, mine)
            torch._foreach_mul_(change, self.forgotten)
            torch._foreach_add_(mine, change)
            for kept, now in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(now)
        return loss.detach()


def _autocast(place: torch.device) -> torch.autocast:
    """bfloat16 where the device multiplies it; elsewhere it is far slower than float32."""
    return torch.autocast(place.type, torch.bfloat16, enabled=best_dtype(place) == torch.bfloat16)


def _seconds_a_step(task: Task, recipe: Recipe, network: nn.Module, place: torch.device) -> float:
    """What a step takes: measured on the second try; a critic costs about half as much.

    A copy and random numbers of its own, so that the training is the same with and without.
    """
    network = copy.deepcopy(network)
    for _ in range(2):
        began = time.monotonic()
        batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng(0)).items()}
        with _autocast(place):
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


def _ratio(loss: Tensor, doubt: Tensor, made: Tensor) -> Tensor:
    """How much larger the gradient of the one is than that of the other where the pictures are made
    (Esser et al. 2021, section 3.1)."""
    wanted, own = (torch.autograd.grad(each, made, retain_graph=True)[0].norm() for each in (loss, doubt))
    return wanted / (own + 1e-8)


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


def _share(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    return min(1.0, (step + 1) / max(recipe.warmup, 1)) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
