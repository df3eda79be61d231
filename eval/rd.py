"""A rate-distortion run: pictures x codecs x qualities -> records, mean curves, BD-rates."""

import csv
import importlib.metadata
import json
import platform
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from scodec import photo
from scodec.errors import BadRequest, explain
from scodec.eval.codecs import ANCHORS, CODECS, OURS, YARDSTICKS
from scodec.files.folders import pictures as listed
from scodec.files.pool import work
from scodec.metrics import FRECHET, METRICS, RATED, patches
from scodec.metrics.bd import Curve, bd_rate
from scodec.models import weights

FIGURES = ("bd_rate", "median", "bd_rate_limited", "median_limited")
#: Packages whose versions affect the anchors' results.
MEASURING = ("pillow", "pillow-jxl-plugin", "pytorch-msssim", "scikit-image", "ssimulacra2")
PACKAGES = ("scodec-image", "torch", "numpy", "bjontegaard", *MEASURING)
Record = dict[str, Any]


def pictures(folders: list[Path]) -> list[Path]:
    """All pictures in the folders and their subfolders.

    Raises BadRequest if there are none, or if two of them have the same folder name and file name.
    """
    found = sorted(path.resolve() for path in listed(folders))
    if len({_label(path) for path in found}) < len(found):
        raise BadRequest("two folders of the same name contain pictures of the same name: rename a folder")
    return found


def load(results: Path) -> list[Record]:
    """The records of an earlier run. Raises BadRequest if the file is neither a results.json nor a records.jsonl."""
    return _load(results)["records"]


def anchors(results: Path) -> list[Record]:
    """The anchors' records of an earlier run.

    Raises BadRequest as `load` does, and if the file was made with other library versions.
    """
    contents, present = _load(results), _versions()
    for name, version in contents["about"]["versions"].items():
        if name in MEASURING and version != present.get(name):
            raise BadRequest(f"{results} was measured with {name} {version}, not {present.get(name)}: measure it again")
    return [record for record in contents["records"] if record["codec"] in ANCHORS]


def measure(
    paths: list[Path],
    codecs: list[str],
    metrics: list[str],
    workers: int,
    known: list[Record],
    log: Path | None = None,
) -> tuple[list[Record], dict[Path, str]]:
    """Records of every codec, picture and quality, in that order; and the pictures that failed, with the reasons.

    Records in `known` are reused if they cover the codec's qualities and all the metrics. A picture that fails with one
    codec has no records, since curves are only comparable over the same pictures.
    log: a records.jsonl, to which the records are written as they come.
    """
    if FRECHET in metrics:  # computed over a set of pictures, so only reusable for the same set
        images = {_label(path) for path in paths}
        sets: dict[str, set[str]] = {}
        for record in known:
            sets.setdefault(record["codec"], set()).add(record["image"])
        known = [record for record in known if sets[record["codec"]] == images]
    earlier: dict[tuple[str, str], list[Record]] = {}
    for record in known:
        earlier.setdefault((record["codec"], record["image"]), []).append(record)
    unwanted = set(METRICS) - set(metrics)
    records: list[Record] = []
    jobs = []
    for codec, path in product(codecs, paths):
        reusable = [record for record in earlier.get((codec, _label(path)), []) if set(metrics) <= set(record)]
        if sorted(record["quality"] for record in reusable) == sorted(CODECS[codec].qualities):
            records += [{key: value for key, value in record.items() if key not in unwanted} for record in reusable]
        else:
            jobs.append((path, codec, metrics))
    measured: list[Record] = []
    failed: dict[Path, str] = {}
    with _Log(log) as written, closing(work(_measure, jobs, workers)) as outcomes:
        written.add(records)
        for (path, _, _), outcome in tqdm(outcomes, total=len(jobs), unit="picture", disable=None):
            if not isinstance(outcome, Exception):
                written.add(outcome)
                measured += outcome
            elif (reason := explain(outcome)) is None:
                raise outcome
            else:
                failed.setdefault(path, reason)
    broken = {_label(path) for path in failed}
    measured = [record for record in measured if record["image"] not in broken]
    records = [record for record in records if record["image"] not in broken]
    if FRECHET in metrics:
        _compare_sets(measured)
    records += measured
    order = {name: i for i, name in enumerate(codecs)}
    records.sort(key=lambda record: (order[record["codec"]], record["image"], record["quality"]))
    return records, failed


class _Log:
    """Versions, then a record in each line: what is left of a run that was cut short. `--reuse` reads it."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("w")

    def __enter__(self) -> "_Log":
        self._line({"versions": _versions()})
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, records: list[Record]) -> None:
        for record in records:  # the features behind the Frechet distance are no results yet
            self._line({key: value for key, value in record.items() if key != FRECHET})

    def _line(self, content: Record) -> None:
        if self._file is not None:
            self._file.write(json.dumps(content) + "\n")
            self._file.flush()


def _compare_sets(records: list[Record]) -> None:
    """Replace the features in the records by the Frechet distance between the sets of pictures.

    There is one value per codec and quality, stored in all its records.
    """
    from scodec.metrics.perception import frechet

    sets: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        sets.setdefault((record["codec"], record["quality"]), []).append(record)
    for members in sets.values():
        value = frechet(*map(list, zip(*(record[FRECHET] for record in members), strict=True)))
        for record in members:
            record[FRECHET] = value


def curve(records: list[Record], codec: str, metric: str, image: str | None = None) -> Curve:
    """Rate-distortion curve of a codec: of one picture, or the means over all pictures at each quality."""
    by_quality: dict[int, list[Record]] = {}
    for record in records:
        if record["codec"] == codec and image in (None, record["image"]):
            by_quality.setdefault(record["quality"], []).append(record)
    rows = [by_quality[quality] for quality in sorted(by_quality)]
    means = [[float(np.mean([record[key] for record in row])) for row in rows] for key in ("bpp", metric)]
    return np.array(means[0]), np.array(means[1])


def bd_rates(records: list[Record], limits: tuple[float, float]) -> list[Record]:
    """BD-rates in percent of every scodec mode against every anchor, one row per metric, mode and anchor.

    bd_rate and bd_rate_limited compare the mean curves; median and median_limited are medians over pictures. Limited
    figures use only rates within `limits` (bpp). None where the curves do not overlap. For the anchor `avif-best`, each
    figure is that of the AVIF tune against which scodec gains least.
    """
    codecs = list(dict.fromkeys(record["codec"] for record in records))
    rows: list[Record] = []
    for metric in (m for m in RATED if m in records[0]):
        for ours in (c for c in codecs if c in OURS):
            against = [
                {"metric": metric, "codec": ours, "anchor": anchor} | _rates(records, metric, ours, anchor, limits)
                for anchor in (c for c in codecs if c in YARDSTICKS and c != ours)
            ]
            rows += against
            if tunes := [row for row in against if row["anchor"].startswith("avif-")]:
                best = {
                    figure: max((r[figure] for r in tunes if r[figure] is not None), default=None) for figure in FIGURES
                }
                rows.append({"metric": metric, "codec": ours, "anchor": "avif-best"} | best)
    return rows


def _rates(
    records: list[Record], metric: str, ours: str, anchor: str, limits: tuple[float, float]
) -> dict[str, float | None]:
    def oriented(codec: str, image: str | None = None) -> Curve:
        bpp, quality = curve(records, codec, metric, image)
        return bpp, RATED[metric] * quality

    images = sorted({record["image"] for record in records})
    means = oriented(anchor), oriented(ours)
    pairs = [(oriented(anchor, image), oriented(ours, image)) for image in images]
    whole, limited = ([bd_rate(*pair, cut) for pair in pairs] for cut in (None, limits))
    return dict(zip(FIGURES, (bd_rate(*means), _median(whole), bd_rate(*means, limits), _median(limited)), strict=True))


def _median(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return float(np.median(present)) if present else None


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def save(records: list[Record], rates: list[Record], limits: tuple[float, float], folder: Path) -> None:
    """Write results.json (everything, with versions) and results.csv (the records) to an existing folder."""
    about = {
        "versions": _versions(),
        "models": weights.installed(),
        "machine": platform.processor() or platform.machine(),
    }
    results = {"about": about, "limits": limits, "bd_rates": rates, "records": records}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    with (folder / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows({key: record.get(key) for key in records[0]} for record in records)


def _load(results: Path) -> Record:
    try:
        text = results.read_text()
        if results.suffix == ".jsonl":
            about, *records = map(json.loads, text[: text.rfind("\n")].splitlines())  # the last may be half a line
            contents = {"about": about, "records": records}
        else:
            contents = json.loads(text)
        dict(contents["about"]["versions"])
        for record in [contents["records"][0], *contents["records"]]:
            record["codec"], record["image"], record["quality"], record["bpp"]
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequest(f"{results} does not hold the results of `scodec eval`") from error
    return contents


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # belongs to an extra that is not installed
            versions[name] = importlib.metadata.version(name)
    return versions


def _measure(job: tuple[Path, str, list[str]]) -> list[Record]:
    import torch

    torch.set_num_threads(1)
    path, name, metrics = job
    codec, original = CODECS[name], photo.load(path).rgb
    features = patches(original).astype(np.float16) if FRECHET in metrics else None
    records = []
    for quality in codec.qualities:
        start = perf_counter()
        data = codec.encode(original, quality)
        middle = perf_counter()
        rebuilt = codec.decode(data)
        end = perf_counter()
        record: Record = {"codec": name, "quality": quality, "image": _label(path), "bytes": len(data)}
        record |= {"bpp": len(data) * 8 / (original.shape[0] * original.shape[1])}
        record |= {metric: METRICS[metric](original, rebuilt) for metric in metrics if metric != FRECHET}
        if features is not None:
            record[FRECHET] = features, patches(rebuilt).astype(np.float16)
        record |= {"encode_seconds": round(middle - start, 4), "decode_seconds": round(end - middle, 4)}
        records.append(record)
    return records
