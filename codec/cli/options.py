"""Command-line options out of the fields of an options class."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import click

from scodec.errors import BadRequest
from scodec.options import look_number

Decorator = Callable[[Callable], Callable]


class Hints(click.ParamType):
    """`auto` or a number of bytes."""

    name = "0|auto|BYTES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "auto":
            return value
        try:
            count = int(value)
        except ValueError:
            count = -1
        if count < 0:
            self.fail(f"{value!r} is neither 'auto' nor a number of bytes", param, ctx)
        return count


class Look(click.ParamType):
    """A look by name or number."""

    name = "faithful|natural"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return look_number(value)
        except BadRequest as error:
            self.fail(str(error), param, ctx)


class OptionalValues(click.Command):
    """A command with options whose value may be left out.

    Click has such options, but takes whatever follows for the value: `--strip in.png out.scz` would lose a file.
    """

    #: The options, the values that they know, and the one that is meant where none of these follows.
    optional: Mapping[str, tuple[tuple[str, ...], str]] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        spelt = []
        for arg, following in zip(args[:end], [*args[1:end], ""], strict=False):
            values, default = self.optional.get(arg, ((following,), ""))
            spelt.append(arg if following in values else f"{arg}={default}")
        return super().parse_args(ctx, spelt + args[end:])


class Scale(click.Choice):
    """`auto` or a number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        chosen = super().convert(value, param, ctx)
        return chosen if chosen == "auto" else int(chosen)


#: Fields whose values need a type of their own.
TYPES: dict[str, click.ParamType] = {"hints": Hints(), "look": Look()}


def options(kind: type, skip: tuple[str, ...] = (), **names: str) -> Decorator:
    """An option for each field of an options class, with its help text, its choices and its default.

    skip: fields that the command asks for in another way. names: other names of options than their field's; where the
    default is True, the option turns it off.
    """

    def decorate(command: Callable) -> Callable:
        for each in reversed(dataclasses.fields(kind)):
            if each.name not in skip:
                command = _option(each, names.get(each.name, f"--{each.name}"))(command)
        return command

    return decorate


def _option(field: dataclasses.Field, name: str) -> Decorator:
    text, choices, low = (field.metadata[key] for key in ("help", "choices", "low"))
    if isinstance(field.default, bool):
        if field.default:
            return click.option(name, field.name, is_flag=True, flag_value=False, default=True, help=_turned_off(text))
        return click.option(name, field.name, is_flag=True, default=False, help=text)
    settings: dict[str, Any] = {"default": field.default, "show_default": True, "help": text}
    if isinstance(field.default, tuple):
        return click.option(name, field.name, multiple=True, metavar="NAME|FILE", help=text)
    if field.default is None:
        settings = {"help": text, "metavar": "N"}
    if field.name in TYPES:
        settings["type"] = TYPES[field.name]
        settings["metavar"] = TYPES[field.name].name  # click would print it in capitals
    elif choices and all(isinstance(choice, int) for choice in choices):
        settings["type"] = click.IntRange(min(choices), max(choices))
    elif choices:
        mixed = any(isinstance(choice, int) for choice in choices)
        settings["type"] = (Scale if mixed else click.Choice)([str(choice) for choice in choices])
    elif low is not None:
        settings["type"] = click.IntRange(min=low)
    short = ["-q"] if field.name == "quality" else []
    return click.option(*short, name, field.name, **settings)


def _turned_off(text: str) -> str:
    """The help text of a field that is on by default: "Without: ..." tells what turning it off does."""
    rest = text.removeprefix("Without: ")
    return rest[:1].upper() + rest[1:]


def finite(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Rejects nan and inf, which pass any FloatRange that is open upwards."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value
