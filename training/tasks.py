"""The tasks by name."""

from collections.abc import Callable

from scodec.training.colour_task import ColourTask
from scodec.training.enlarge_task import EnlargeTask
from scodec.training.lab_task import LabTask
from scodec.training.luma_task import LumaTask
from scodec.training.natural_task import NaturalTask
from scodec.training.rate_task import RateTask
from scodec.training.recipe import Setting
from scodec.training.task import Task

TASKS: dict[str, Callable[[Setting], Task]] = {
    "luma": lambda s: LumaTask(s.recipe, s.train, s.held_out, s.cache, s.workers),
    "natural": lambda s: NaturalTask(s.recipe, s.train, s.held_out, s.cache, s.workers),
    "colour": lambda s: ColourTask(s.recipe, s.train, s.held_out),
    "lab": lambda s: LabTask(s.recipe, s.train, s.held_out, s.pretrained),
    "rate": lambda s: RateTask(s.recipe, s.train, s.held_out),
    "enlarge": lambda s: EnlargeTask(s.recipe, s.train, s.held_out, s.pretrained),
}
