"""What a study is: its pictures, their versions and its trials, kept as study.json in the study's folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from scodec.errors import BadRequest
from scodec.files import atomic

#: Stand where a codec's name would: the picture itself, and one that anybody sees is worse.
ORIGINAL, RUINED = "original", "ruined"
#: What a judge is asked about two pictures: the one they like better, or the one nearer to the original, then shown.
QUESTIONS = ("prefer", "closer")

FILE, PICTURES = "study.json", "pictures"
_FORMAT = 1


@dataclass(frozen=True)
class Picture:
    """A photograph: its path below the folder that the study was made from, and its size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Version:
    """A picture as judges see it.

    codec: a name of `scodec.eval.codecs.CODECS`, ORIGINAL or RUINED; the last two have neither bpp nor bytes.
    bpp: the rate aimed at, bits per pixel of the whole file; bytes: what the file really took, no more than that.
    file: name of the PNG in the study's pictures, which tells nothing.
    """

    picture: str
    codec: str
    bpp: float | None
    bytes: int | None
    file: str


@dataclass(frozen=True)
class Miss:
    """A version that is in no trial because the codec's smallest file, of this many bytes, exceeds the rate."""

    picture: str
    codec: str
    bpp: float
    bytes: int


@dataclass(frozen=True)
class Trial:
    """One question about one picture.

    kind: "pair" (two codecs' versions), "check" (the original and its ruin, which shows who pays attention) or "single"
    (one picture, real or rebuilt). bpp: None for checks and for the original alone. codecs: one or two, in no order of
    showing.
    """

    id: str
    kind: str
    picture: str
    bpp: float | None
    codecs: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """A study. seed: of the choice of trials and of every judge's order. question: one of QUESTIONS."""

    folder: Path
    seed: int
    question: str
    codecs: tuple[str, ...]
    rates: tuple[float, ...]
    pictures: tuple[Picture, ...]
    versions: tuple[Version, ...]
    misses: tuple[Miss, ...]
    trials: tuple[Trial, ...]

    def paths(self) -> dict[tuple[str, str, float | None], Path]:
        """The PNG of each version, by picture, codec and rate; the original and the ruin stand under every rate."""
        found: dict[tuple[str, str, float | None], Path] = {}
        for version in self.versions:
            for bpp in (None, *self.rates) if version.bpp is None else (version.bpp,):
                found[version.picture, version.codec, bpp] = self.folder / PICTURES / version.file
        return found


def save(study: Study) -> None:
    """Write study.json to the study's folder, whole or not at all. Raises OSError."""
    content = {"format": _FORMAT} | {key: value for key, value in asdict(study).items() if key != "folder"}
    atomic.write(str(study.folder / FILE), (json.dumps(content, indent=1) + "\n").encode(), force=True)


def load(folder: Path) -> Study:
    """The study in a folder. Raises BadRequest if there is none, or if study.json is damaged or of a later version."""
    path = folder / FILE
    if not path.is_file():
        raise BadRequest(f"{folder} holds no study: make one with `scodec study make`")
    try:
        content = json.loads(path.read_text())
        if content["format"] != _FORMAT:
            raise BadRequest(f"{path} was made by another version of scodec: make the study again, or use that one")
        return Study(
            folder=folder,
            seed=content["seed"],
            question=content["question"],
            codecs=tuple(content["codecs"]),
            rates=tuple(content["rates"]),
            pictures=tuple(Picture(**each) for each in content["pictures"]),
            versions=tuple(Version(**each) for each in content["versions"]),
            misses=tuple(Miss(**each) for each in content["misses"]),
            trials=tuple(Trial(**{**each, "codecs": tuple(each["codecs"])}) for each in content["trials"]),
        )
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequest(f"{path} is damaged: make the study again") from error
