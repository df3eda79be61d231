"""The training tasks by name."""

from collections.abc import Callable

from scodec.training.recipe import Setting
from scodec.training.tasks.colour import ColourTask
from scodec.training.tasks.decoded import DecodedTask
from scodec.training.tasks.enlarge import EnlargeTask
from scodec.training.tasks.lab import LabTask
from scodec.training.tasks.luma import LumaTask
from scodec.training.tasks.natural import NaturalTask
from scodec.training.tasks.rate import RateTask
from scodec.training.tasks.task import Task

TASKS: dict[str, Callable[[Setting], Task]] = {
    "luma": lambda s: LumaTask(s.recipe, s.train, s.held_out, s.cache, s.workers),
    "natural": lambda s: NaturalTask(s.recipe, s.train, s.held_out, s.cache, s.workers),
    "colour": lambda s: ColourTask(s.recipe, s.train, s.held_out),
    "decoded": lambda s: DecodedTask(s.recipe, s.train, s.held_out, s.cache, s.workers),
    "lab": lambda s: LabTask(s.recipe, s.train, s.held_out, s.pretrained),
    "rate": lambda s: RateTask(s.recipe, s.train, s.held_out),
    "enlarge": lambda s: EnlargeTask(s.recipe, s.train, s.held_out, s.pretrained),
}
