"""The training loop, which is the same for every task."""

import copy
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from scodec.training.graphs import Batches, Replayed
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task
from scodec.training.update import Update, autocast, share

#: Smallest number of steps for which the duration is estimated in advance.
WORTH_TIMING = 100


def train(task: Task, recipe: Recipe, run: Path, device: str, every: int, start: dict[str, Tensor] | None) -> nn.Module:
    """Train until `recipe.steps` and return the network with the averaged weights.

    run: folder for checkpoint.pt (training resumes from it if it exists) and log.jsonl (one line every `every` steps:
    step, loss, lr, seconds, validation metrics). start: initial weights if there is no checkpoint, as far as they fit
    (see `adopt`).
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
            hours = _seconds_per_step(update) * (recipe.steps - step) / 3600
        tqdm.write(f"{recipe.steps - step} steps, about {hours:.1f} hours on {place}", file=sys.stderr)
    began = time.monotonic()
    bar = tqdm(total=recipe.steps, initial=step, unit="step", desc=recipe.task)
    with bar as progress, _Interrupt() as interrupt, Batches(task, recipe.seed, place) as batches:
        do = Replayed(update) if update.replayed else update
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
                with torch.no_grad(), autocast(place):
                    figures = task.validate(update.average, place)
                line: dict[str, Any] = {"step": step, "loss": float(torch.stack(losses).mean()), **figures}
                line |= {"lr": recipe.lr * share(step - 1, recipe), "seconds": round(time.monotonic() - began)}
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                progress.set_postfix(loss=f"{line['loss']:.4g}")
                losses.clear()
                save()
    task.finished(update.average)
    return update.average


def _seconds_per_step(update: Update) -> float:
    """Estimated duration of a step: measured on the second try; a critic adds about half.

    Uses a copy of the network and its own random numbers, so that the measurement does not affect the training.
    """
    task, place, network = update.task, update.place, copy.deepcopy(update.network)
    for _ in range(2):
        began = time.monotonic()
        batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng(0)).items()}
        with autocast(place):
            loss = task.loss(task.predict(network, batch), batch)
        loss.backward()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        seconds = time.monotonic() - began
    factor = 0.5 if update.replayed else 1  # replaying takes about half the time
    return seconds * factor * (1.5 if update.critic is not None else 1)


class _Interrupt:
    """Ctrl-C lets the current step finish, so that a consistent checkpoint can be saved; a second one stops at once."""

    def __enter__(self) -> "_Interrupt":
        self.asked = False
        # only the main thread may handle signals, and only it receives Ctrl-C
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
    """Initialize a network from the weights `start` of a similar one.

    Where a tensor is larger here, they fill its first rows and columns: new outputs keep their initial weights, new
    inputs have no effect at first. Where it is smaller, it is left unchanged.
    """
    state = network.state_dict()
    for name, old in start.items():
        new = state.get(name)
        if new is None or new.ndim != old.ndim or any(map(int.__gt__, old.shape, new.shape)):
            continue
        if ".film." in name:  # gains and shifts, one below the other
            new, old = (each.unflatten(0, (2, -1)) for each in (new, old))
        elif new.ndim > 1:
            new[:, old.shape[1] :] = 0
        new[tuple(slice(size) for size in old.shape)] = old
