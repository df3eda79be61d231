"""One training step."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.device import best_dtype
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Batch, Seen, Task

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
#: Steps between two comparisons of gradients, and decay of the moving average of the adversarial weight they give.
COMPARED, MEMORY = 10, 0.9
#: Steps for which a balanced critic is trained before its loss is used: at first its output is noise.
UNHEARD = 200


class Update:
    """One training step: updates the critic, if there is one, the network, and the averaged weights.

    All that changes from step to step is a tensor, and nothing waits for the device, so that a GPU can replay the step.
    """

    def __init__(self, task: Task, recipe: Recipe, network: nn.Module, place: torch.device) -> None:
        self.task, self.recipe, self.network, self.place = task, recipe, network, place
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.replayed = place.type == "cuda" and task.replayed
        fast: dict[str, Any] = {"capturable": True, "fused": True} if self.replayed else {}
        options = {name: value for name, value in fast.items() if name != "fused" or recipe.optimizer != "rmsprop"}
        groups = [{**group, "lr": torch.zeros((), device=place) if self.replayed else 0.0}
                  for group in task.groups(network)]  # fmt: skip
        self.optimizer = OPTIMIZERS[recipe.optimizer](groups, weight_decay=recipe.weight_decay, **options)
        self.critic = task.critic()
        self.weight = torch.tensor(recipe.adversarial, device=place)
        self.forgotten = torch.tensor(0.0, device=place)  # 1 - decay of the averaged weights
        if self.critic is not None:
            self.critic.to(place)
            self.critic_optimizer = torch.optim.Adam(
                self.critic.parameters(), lr=recipe.critic_lr or recipe.lr, betas=(0.5, 0.999), **fast
            )

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"network": self.network.state_dict(), "average": self.average.state_dict()}
        state |= {name: mine.state_dict() for name, mine in self._optimizers().items()}
        if self.critic is not None:
            state |= {"critic": self.critic.state_dict(), "weight": self.weight}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, mine in self._optimizers().items():  # checkpoints from other devices have other options
            for saved, group in zip(state[name]["param_groups"], mine.param_groups, strict=True):
                saved |= {option: group[option] for option in ("lr", "capturable", "fused") if option in group}
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for name, mine in self._optimizers().items():
            mine.load_state_dict(state[name])
        if self.critic is not None:
            self.critic.load_state_dict(state["critic"])
            self.weight.copy_(state["weight"])

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        found = {"optimizer": self.optimizer}
        return found if self.critic is None else found | {"critic_optimizer": self.critic_optimizer}

    def stage(self, step: int) -> str:
        """The kind of a step; each kind runs different operations.

        "no critic": no critic takes part; "critic only": the critic is trained, but its loss is not used; "first
        weight": the weight of the critic's loss is computed for the first time; "new weight": this weight is updated;
        "adversarial": it is used as it is.
        """
        if self.critic is None or step < self.recipe.adversarial_from:
            return "no critic"
        if not self.recipe.balanced:
            return "adversarial"
        if step < self.recipe.adversarial_from + UNHEARD:
            return "critic only"
        if step == self.recipe.adversarial_from + UNHEARD:
            return "first weight"
        return "new weight" if step % COMPARED == 0 else "adversarial"

    def prepare(self, step: int) -> None:
        """Set the learning rate of a step, and the decay of the averaged weights, which is smaller at the start."""
        for group in self.optimizer.param_groups:
            rate = self.recipe.lr * group["share"] * share(step, self.recipe)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.forgotten.fill_(1 - min(self.recipe.ema, (1 + step) / (10 + step)))

    def __call__(self, batch: Batch, stage: str) -> Tensor:
        task, recipe, critic = self.task, self.recipe, self.critic
        with autocast(self.place):
            output = task.predict(self.network, batch)
            loss = task.loss(output, batch)
            if critic is not None and stage != "no critic":
                real, fake = task.judged(output, batch)
                _train_critic(critic, self.critic_optimizer, real, _detached(fake))
                if stage != "critic only":
                    critic.requires_grad_(False)
                    adversarial = _critic_loss(critic(fake), True)
                    critic.requires_grad_(True)
                    if stage != "adversarial":
                        ratio = recipe.adversarial * _gradient_ratio(loss, adversarial, task.made(output))
                        self.weight.copy_(ratio if stage == "first weight" else self.weight.lerp(ratio, 1 - MEMORY))
                    loss = loss + self.weight * adversarial
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        with torch.no_grad():
            for mine, other in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mine.lerp_(other, self.forgotten)
            for kept, now in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(now)
        return loss.detach()


def autocast(place: torch.device) -> torch.autocast:
    """bfloat16 where the device supports its arithmetic; elsewhere it is far slower than float32."""
    return torch.autocast(place.type, torch.bfloat16, enabled=best_dtype(place) == torch.bfloat16)


def share(step: int, recipe: Recipe) -> float:
    """Learning rate relative to its peak: linear warm-up, and a cosine schedule to zero."""
    return min(1.0, (step + 1) / max(recipe.warmup, 1)) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def _gradient_ratio(loss: Tensor, adversarial: Tensor, made: Tensor) -> Tensor:
    """Ratio of the norms of the two losses' gradients with respect to `made` (Esser et al. 2021, section 3.1)."""
    norm, adversarial_norm = (
        torch.autograd.grad(each, made, retain_graph=True)[0].norm() for each in (loss, adversarial)
    )
    return norm / (adversarial_norm + 1e-8)


def _detached(inputs: Seen) -> Seen:
    return inputs.detach() if isinstance(inputs, Tensor) else [each.detach() for each in inputs]


def _train_critic(critic: nn.Module, optimizer: torch.optim.Optimizer, real: Seen, fake: Seen) -> None:
    """One optimizer step of the critic."""
    loss = (_critic_loss(critic(real), True) + _critic_loss(critic(fake), False)) / 2
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _critic_loss(logits: Seen, real: bool) -> Tensor:
    """Loss of a critic's logits for inputs that it should take for real, or for fake."""
    parts = [logits] if isinstance(logits, Tensor) else logits
    return torch.stack([F.softplus(-each.float() if real else each.float()).mean() for each in parts]).mean()
