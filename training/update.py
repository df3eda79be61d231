"""One step of a training."""

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
#: Steps between two comparisons of gradients, and how much the last ones count in the weight that comes of them.
COMPARED, MEMORY = 10, 0.9
#: Steps for which a balanced critic learns before the network hears it: what it says at first is noise.
UNHEARD = 200


class Update:
    """One step of a training: the critic's, if there is one, the network's, and that of the averaged weights.

    All that changes from step to step is a tensor, and nothing waits for the device, so that a GPU can replay it.
    """

    def __init__(self, task: Task, recipe: Recipe, network: nn.Module, place: torch.device) -> None:
        self.task, self.recipe, self.network, self.place = task, recipe, network, place
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.replayed = place.type == "cuda" and task.replayed
        fast: dict[str, Any] = {"capturable": True, "fused": True} if self.replayed else {}
        own = {name: value for name, value in fast.items() if name != "fused" or recipe.optimizer != "rmsprop"}
        groups = [{**group, "lr": torch.zeros((), device=place) if self.replayed else 0.0}
                  for group in task.groups(network)]  # fmt: skip
        self.optimizer = OPTIMIZERS[recipe.optimizer](groups, weight_decay=recipe.weight_decay, **own)
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
        state |= {name: mine.state_dict() for name, mine in self._optimizers().items()}
        if self.critic is not None:
            state |= {"critic": self.critic.state_dict(), "weight": self.weight}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, mine in self._optimizers().items():  # a checkpoint of another device has other options
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
            if critic is not None and stage != "alone":
                real, made = task.judged(output, batch)
                _teach(critic, self.critic_optimizer, real, _detached(made))
                if stage != "unheard":
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
            for mine, other in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mine.lerp_(other, self.forgotten)
            for kept, now in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(now)
        return loss.detach()


def autocast(place: torch.device) -> torch.autocast:
    """bfloat16 where the device multiplies it; elsewhere it is far slower than float32."""
    return torch.autocast(place.type, torch.bfloat16, enabled=best_dtype(place) == torch.bfloat16)


def share(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    return min(1.0, (step + 1) / max(recipe.warmup, 1)) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


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
