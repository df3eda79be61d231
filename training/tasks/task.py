"""The interface between the training loop and its tasks: data, network and loss."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Batch = dict[str, Tensor]
#: The inputs of a critic, and its logits: one tensor or several.
Seen = Tensor | list[Tensor]


class Task(ABC):
    """A training task: data, network and loss."""

    #: Whether steps may be captured as CUDA graphs: `predict`, `loss` and `judged` must not wait for the device or copy
    #: to it.
    replayed = False

    @abstractmethod
    def network(self) -> nn.Module:
        """The network before training."""

    @abstractmethod
    def batch(self, rng: np.random.Generator) -> Batch:
        """One batch of inputs and targets."""

    def ready(self, device: torch.device) -> None:  # noqa: B027  (most tasks need nothing)
        """Called once before the first batch: may move data to the device."""

    def finished(self, network: nn.Module) -> None:  # noqa: B027
        """Called at the end with the network that will be exported."""

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Parameter groups, each with its share of the learning rate."""
        return [{"params": list(network.parameters()), "share": 1.0}]

    @abstractmethod
    def predict(self, network: nn.Module, batch: Batch) -> Any:
        """The output of the network for a batch."""

    @abstractmethod
    def loss(self, output: Any, batch: Batch) -> Tensor:
        """The loss of that output."""

    @abstractmethod
    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Metrics on the held-out pictures."""

    def critic(self) -> nn.Module | None:
        """The critic (discriminator) for adversarial training, or None."""
        return None

    def judged(self, output: Any, batch: Batch) -> tuple[Seen, Seen]:
        """The critic's inputs for a batch: real and generated pictures."""
        raise TypeError(f"{type(self).__name__} has no critic")

    def made(self, output: Any) -> Tensor:
        """The tensor from which the generated pictures are computed.

        If the recipe is `balanced`, the gradients with respect to it are compared.
        """
        raise TypeError(f"{type(self).__name__} does not balance its critic")
