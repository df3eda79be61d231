"""A rate-distortion run: pictures x codecs x qualities -> records, mean curves, BD-rates."""

import csv
import importlib.metadata
import json
import multiprocessing
import platform
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from scodec import photo
from scodec.errors import BadRequest
from scodec.eval.bd import Curve, bd_rate
from scodec.eval.codecs import CODECS
from scodec.eval.metrics import METRICS, RATED
from scodec.models import weights

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
Record = dict[str, Any]


def pictures(folders: list[Path]) -> list[Path]:
    """All pictures directly in the folders. Raises BadRequest when there are none."""
    found = sorted(path for folder in folders for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BadRequest(f"no pictures in {', '.join(map(str, folders))}: name folders that hold some")
    return found


def measure(
    paths: list[Path], codecs: list[str], metrics: list[str], workers: int, known: list[Record]
) -> list[Record]:
    """Records of every picture, codec and quality, in that order; those in `known` are taken as they are."""
    there = {(record["codec"], record["image"]) for record in known if set(metrics) <= set(record)}
    jobs = [(path, codec, metrics) for codec in codecs for path in paths if (codec, path.name) not in there]
    names = {path.name for path in paths}
    records = [r for r in known if r["codec"] in codecs and r["image"] in names and (r["codec"], r["image"]) in there]
    # spawn: a forked child would inherit torch's thread pools in an undefined state
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for part in tqdm(pool.map(_measure, jobs), total=len(jobs), unit="picture"):
            records += part
    order = {name: i for i, name in enumerate(codecs)}
    return sorted(records, key=lambda record: (order[record["codec"]], record["image"], record["quality"]))


def curve(records: list[Record], codec: str, metric: str, image: str | None = None) -> Curve:
    """The codec's curve: of one picture, or the means over all pictures at each quality."""
    by_quality: dict[int, list[Record]] = {}
    for record in records:
        if record["codec"] == codec and image in (None, record["image"]):
            by_quality.setdefault(record["quality"], []).append(record)
    rows = [by_quality[quality] for quality in sorted(by_quality)]
    means = [[float(np.mean([record[key] for record in row])) for row in rows] for key in ("bpp", metric)]
    return np.array(means[0]), np.array(means[1])


def bd_rates(records: list[Record], limits: tuple[float, float]) -> list[Record]:
    """BD-rates of every scodec mode against every anchor: on the mean curve, and the median over pictures."""
    codecs = list(dict.fromkeys(record["codec"] for record in records))
    images = sorted({record["image"] for record in records})
    rows = []
    for metric in (m for m in RATED if m in records[0]):
        for ours in (c for c in codecs if c.startswith("scodec")):
            for anchor in (c for c in codecs if not c.startswith("scodec")):
                pairs = [(curve(records, anchor, metric, i), curve(records, ours, metric, i)) for i in images]
                each = [value for a, b in pairs if (value := bd_rate(a, b, limits)) is not None]
                means = curve(records, anchor, metric), curve(records, ours, metric)
                rows.append(
                    {
                        "metric": metric,
                        "codec": ours,
                        "anchor": anchor,
                        "bd_rate": bd_rate(*means),
                        "bd_rate_limited": bd_rate(*means, limits),
                        "median_limited": float(np.median(each)) if each else None,
                        "limits": list(limits),
                    }
                )
    return rows


def save(records: list[Record], rates: list[Record], folder: Path) -> None:
    """Write results.json (everything, with versions) and results.csv (the records)."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = ("scodec-image", "pillow", "torch", "numpy", "bjontegaard")
    about = {
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"python": platform.python_version()},
        "models": weights.installed(),
        "machine": platform.processor() or platform.machine(),
    }
    results = {"about": about, "bd_rates": rates, "records": records}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    with (folder / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows({key: record.get(key) for key in records[0]} for record in records)


def _measure(job: tuple[Path, str, list[str]]) -> list[Record]:
    import torch

    torch.set_num_threads(1)
    path, name, metrics = job
    codec, original = CODECS[name], photo.load(path).rgb
    records = []
    for quality in codec.qualities:
        start = perf_counter()
        data = codec.encode(original, quality)
        middle = perf_counter()
        rebuilt = codec.decode(data)
        end = perf_counter()
        record: Record = {"codec": name, "quality": quality, "image": path.name, "bytes": len(data)}
        record |= {"bpp": len(data) * 8 / (original.shape[0] * original.shape[1])}
        record |= {metric: METRICS[metric](original, rebuilt) for metric in metrics}
        record |= {"encode_seconds": round(middle - start, 4), "decode_seconds": round(end - middle, 4)}
        records.append(record)
    return records
