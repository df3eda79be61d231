"""What a training is of: data, network and loss, as the loop asks for them."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Batch = dict[str, Tensor]
#: What a critic looks at, and its logits: one tensor or several.
Seen = Tensor | list[Tensor]


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
