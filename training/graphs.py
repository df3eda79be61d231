"""Keep a GPU busy: steps are captured once and replayed, and the next batch is made while the GPU works.

A step launches thousands of small kernels; one by one, that takes longer than their arithmetic. A CUDA graph launches
all of them at once.
"""

from collections import deque

import numpy as np
import torch
from torch import Tensor

from scodec.training.tasks.task import Batch, Task
from scodec.training.update import Update

#: Largest number of steps queued on the device before the next one is launched.
UNDER_WAY = 3
#: Eager steps of each kind before one is captured; libraries choose their algorithms during these.
WARM_UP = 3


class Batches:
    """The batches of a task on a device, each made while the device works on the previous one."""

    def __init__(self, task: Task, seed: int, place: torch.device) -> None:
        self.task, self.seed, self.place = task, seed, place
        self.stream = torch.cuda.Stream(place) if place.type == "cuda" else None
        self.working = torch.cuda.stream(torch.cuda.Stream(place)) if place.type == "cuda" else None
        self.next: dict[int, Batch] = {}
        self.begun: deque[torch.cuda.Event] = deque()

    def __enter__(self) -> "Batches":
        if self.working is not None:  # capturing needs a stream other than the default one
            torch.cuda.synchronize(self.place)
            self.working.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self.working is not None:
            torch.cuda.synchronize(self.place)
            self.working.__exit__(*error)

    def take(self, step: int) -> Batch:
        """The batch of a step. It depends on the step alone, so a resumed run gets the same batches as any other."""
        if self.stream is None:
            return self._make(step)
        if step not in self.next:
            self.next = {step: self._make_on_stream(step)}
        batch = self.next.pop(step)
        current = torch.cuda.current_stream(self.place)
        current.wait_stream(self.stream)
        self.begun.append(current.record_event())
        if len(self.begun) > UNDER_WAY:
            self.begun.popleft().synchronize()
        for each in batch.values():
            each.record_stream(current)
        return batch

    def ahead(self, step: int) -> None:
        """Make the batch of a step in advance."""
        if self.stream is not None:
            self.next[step] = self._make_on_stream(step)

    def _make_on_stream(self, step: int) -> Batch:
        with torch.cuda.stream(self.stream):
            return self._make(step)

    def _make(self, step: int) -> Batch:
        batch = self.task.batch(np.random.default_rng((self.seed, step)))
        return {name: value.to(self.place, non_blocking=True) for name, value in batch.items()}


class Replayed:
    """An `Update` on a GPU: captured once as a CUDA graph for every kind of step and shape of batch, then replayed."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self.pool = torch.cuda.graph_pool_handle()
        self.seen: dict[tuple, int] = {}  # eager steps of each kind
        self.recorded: dict[tuple, tuple[torch.cuda.CUDAGraph, Batch, Tensor]] = {}

    def __call__(self, batch: Batch, stage: str) -> Tensor:
        key = (stage, *((name, *value.shape) for name, value in batch.items()))
        if key in self.recorded:
            graph, inputs, loss = self.recorded[key]
            for name, value in batch.items():
                inputs[name].copy_(value)
            graph.replay()
            return loss
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] <= WARM_UP or stage == "first weight":
            return self.update(batch, stage)
        graph = torch.cuda.CUDAGraph()
        inputs = {name: value.clone() for name, value in batch.items()}
        torch.cuda.synchronize()
        with torch.cuda.graph(graph, pool=self.pool, stream=torch.cuda.current_stream()):
            loss = self.update(inputs, stage)
        self.recorded[key] = graph, inputs, loss
        graph.replay()  # capturing does not execute the step
        return loss
