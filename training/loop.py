"""The training loop: one loop for every task, readable from top to bottom."""

import json
import math
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from scodec.training.recipe import Recipe


class Task(Protocol):
    """What is trained: data, network and loss."""

    def network(self) -> nn.Module: ...
    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]: ...
    def loss(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor: ...
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]: ...


def train(task: Task, recipe: Recipe, run: Path, device: str, every: int, start: dict[str, Tensor] | None) -> nn.Module:
    """Train until `recipe.steps` and return the network with the averaged weights.

    `run` receives checkpoint.pt (taken up again when it is there) and log.jsonl (one line every `every` steps: step,
    loss, lr, seconds, validation figures). `start`: weights to begin from when there is no checkpoint.
    """
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    place = torch.device(device)
    network = task.network().to(place).to(memory_format=torch.channels_last)
    if start is not None:
        network.load_state_dict(start)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.ema)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)

    run.mkdir(parents=True, exist_ok=True)
    checkpoint, log = run / "checkpoint.pt", run / "log.jsonl"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=place, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]

    losses: list[float] = []
    began = time.monotonic()
    with tqdm(total=recipe.steps, initial=step, unit="step", desc=recipe.task) as progress:
        while step < recipe.steps:
            # The data of a step depends on the step alone, so a run taken up again sees what it would have seen.
            batch = {k: v.to(place) for k, v in task.batch(np.random.default_rng((recipe.seed, step))).items()}
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * _schedule(step, recipe)
            with torch.autocast(place.type, torch.bfloat16):
                loss = task.loss(network, batch)
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
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").replace(checkpoint)
    return average.module


def _schedule(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: linear warm-up, then cosine to zero."""
    warm = min(1.0, (step + 1) / max(recipe.warmup, 1))
    return warm * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
