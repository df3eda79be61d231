"""What a user may ask for: the options of `encode`, `decode` and `restore`, for the API, the command and the plugins.

Every list of options is made from these dataclasses, whose fields carry their help text and what may be given. They are
checked when they are created: an impossible value raises BadRequest.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral
from typing import Any, TypeVar

from scodec.errors import BadRequest

#: The luma coders, the default first.
LUMA_CODERS = ("vvc", "av1", "hyperprior")
#: How much time an encoder may spend.
EFFORTS = ("fast", "medium", "slow")
#: The luma is stored at 1 / scale of the size; "auto" picks by rate.
SCALES = ("auto", 1, 2, 3, 4)
#: What runs the networks.
BACKENDS = ("auto", "torch", "onnx")
DEVICES = ("auto", "cpu", "cuda", "mps")
#: What of EXIF and XMP a file leaves out: nothing, all, or what tells a place ("gps" is the same).
STRIPS = (False, True, "location", "gps")
#: Number formats of the networks.
DTYPES = ("auto", "float32", "bfloat16", "float16")
#: The looks that have names: the least error, and stronger colours and texture.
LOOKS = {"faithful": 0.0, "natural": 1.0}

#: Wraps a list and yields its items, to show how far the work is (tqdm, say).
Progress = Callable[[list[Any]], Iterable[Any]]
Options = TypeVar("Options")
Function = TypeVar("Function", bound=Callable[..., Any])


def look_number(look: str | float) -> float:
    """A look by name, or what lies between as a number from 0 (faithful) to 1 (natural). Raises BadRequest."""
    try:
        value = LOOKS[look] if isinstance(look, str) and look in LOOKS else float(look)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= 1:
        raise BadRequest(f"the look {look!r} is unknown: give {' or '.join(LOOKS)}, or a number from 0 to 1 between")
    return value


def _option(default: Any, text: str, choices: Sequence[Any] = (), low: int | None = None) -> Any:
    """A field with its help text and, where they are bounded, its values: `choices`, or whole numbers from `low` on."""
    return field(default=default, metadata={"help": text, "choices": tuple(choices), "low": low})


def _check(options: Any) -> None:
    """Raise BadRequest unless every field has one of its choices, or a number in its range.

    Whole numbers of other kinds, NumPy's say, become int.
    """
    for each in fields(options):
        number = getattr(options, each.name)
        if isinstance(number, Integral) and not isinstance(number, bool):
            object.__setattr__(options, each.name, int(number))  # the options are frozen, but still being made
        value, choices, low = getattr(options, each.name), each.metadata["choices"], each.metadata["low"]
        if value is None and each.default is None:
            continue
        if choices and value not in choices:
            names = f"{choices[0]} to {choices[-1]}" if isinstance(choices[0], int) else ", ".join(map(str, choices))
            raise BadRequest(f"{each.name} {value!r} is impossible: give {names}")
        if low is not None and not (isinstance(value, int) and value >= low):
            raise BadRequest(f"{each.name} {value!r} is impossible: give a whole number, {low} or more")


_LOOK = "faithful has the least error, natural stronger colours and texture; a number from 0 to 1 lies between."
_BACKEND = (
    "What runs the networks: onnx (ONNX Runtime, on the CPU) or torch; auto takes torch where there is a GPU for it."
)
_DEVICE = "Where the networks run."
_DTYPE = "Number format of the networks."
_SYSTEM = (
    "A system of docs/systems.md in place of scodec's own networks: one that colours, one that enlarges, or both (give "
    "the option twice). By the name under which `scodec train` left it in runs/, or by its weights file."
)


@dataclass(frozen=True)
class EncodeOptions:
    """How a picture is encoded."""

    quality: int = _option(36, "1 (smallest) to 100 (best).", range(1, 101))
    scale: int | str = _option("auto", "Store the luma at 1/N of the size; auto picks by rate.", SCALES)
    hints: int | str = _option(
        0,
        "0: luminance only, the receiver guesses the colours. auto: store as much colour as pays off. A number: at "
        "most that many bytes.",
    )
    luma: str = _option(
        "vvc", "Luma coder. av1 is faster and needs about 20 % more bytes; hyperprior is learned.", LUMA_CODERS
    )
    effort: str = _option(
        "medium",
        "Trade time for bytes. slow also compares the other scales by what the receiver makes of them, and refines the "
        "latents of hyperprior; its file is never larger than that of medium.",
        EFFORTS,
    )
    target_bytes: int | None = _option(None, "Largest file allowed, in bytes; replaces the quality.", low=1)
    strip: bool | str = _option(
        False,
        "Leave out all EXIF and XMP; with location (or gps) only what tells the place, save what the maker of the "
        "camera alone can read.",
    )

    def __post_init__(self) -> None:
        _check(self)
        if not (self.hints == "auto" or isinstance(self.hints, int) and self.hints >= 0):
            raise BadRequest(f"hints {self.hints!r} are impossible: give a number of bytes or 'auto'")
        if self.strip not in STRIPS:
            raise BadRequest(f"strip {self.strip!r} is impossible: give {', '.join(map(repr, STRIPS))}")


@dataclass(frozen=True)
class DecodeOptions:
    """How a file is decoded."""

    color: bool = _option(True, "Without: luminance only, as a grey picture.")
    look: str | float = _option("faithful", _LOOK)
    backend: str = _option("auto", _BACKEND, BACKENDS)
    device: str = _option("auto", _DEVICE, DEVICES)
    dtype: str = _option("auto", _DTYPE, DTYPES)
    tile: int | None = _option(
        None,
        "Work in tiles of N x N pixels (default: 768); smaller ones need less memory and more time, 256 up to twice as "
        "much.",
        low=64,
    )
    receivers: Sequence[str] = _option((), _SYSTEM)
    check: bool = _option(True, "Without: show what can be shown of a damaged file.")

    def __post_init__(self) -> None:
        _check(self)
        look_number(self.look)


@dataclass(frozen=True)
class RestoreOptions:
    """How a photograph is coloured and enlarged."""

    scale: int = _option(2, "How many times larger.", range(1, 5))
    color: bool = _option(True, "Without: leave it grey.")
    systems: Sequence[str] = _option((), _SYSTEM)
    look: str | float = _option("faithful", _LOOK)
    samples: int = _option(1, "Number of versions: the likeliest colours first, then others.", range(1, 100))
    seed: int = _option(0, "Seed of the other versions.", low=0)
    backend: str = _option("auto", _BACKEND, BACKENDS)
    device: str = _option("auto", _DEVICE, DEVICES)
    dtype: str = _option("auto", _DTYPE, DTYPES)

    def __post_init__(self) -> None:
        _check(self)
        look_number(self.look)


def resolve(kind: type[Options], options: Options | None, changes: dict[str, Any]) -> Options:
    """The options of a call: given as a whole, or one by one. Raises BadRequest; TypeError for unknown names."""
    if options is None:
        return kind(**changes)
    if changes:
        raise TypeError(f"give either {kind.__name__} or single options, not both")
    return options


def keywords_of(kind: type) -> Callable[[Function], Function]:
    """Show the fields of an options class as keyword arguments in the signature of a function (help, editors, docs)."""

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        keywords = [
            inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
            for each in fields(kind)
        ]
        function.__signature__ = signature.replace(parameters=[*own, *keywords])  # type: ignore[attr-defined]
        return function

    return decorate
