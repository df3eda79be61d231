"""The data of `scodec train --recipe release` in one file: `python -m scodec.training.pack photos.zip FOLDER...`.

The pictures are reduced to the size at which the colorizer uses them, and the restorer's training pairs are encoded
from the originals. A machine with a GPU then needs neither the originals nor an hour for encoding:
`scodec train photos.zip` reads the file.
"""

import io
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from PIL import Image
from tqdm import tqdm

from scodec import photo
from scodec.files.folders import pictures
from scodec.tool import Tool
from scodec.training.data import cache, pairs

#: Largest short side of a packed picture in pixels, and its WebP quality.
SIDE, QUALITY = 512, 70
#: Smallest short side, in pixels, of a picture that is useful for training the restorer.
LEAST_FOR_PAIRS = 320


@click.command(cls=Tool)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that encode training pairs."
)
def main(target: Path, folders: tuple[Path, ...], workers: int) -> None:
    """Pack the pictures in FOLDERS, and training pairs coded from the larger ones, into the file TARGET."""
    _pack(target, pictures(folders), workers)


def _pack(target: Path, found: list[Path], workers: int) -> None:
    large = [path for path in found if min(photo.size(path)) >= LEAST_FOR_PAIRS]
    folder = target.with_suffix(".pairs")  # kept if this is interrupted, and reused the next time
    coded = dict(zip(large, pairs.prepare(large, folder, workers), strict=True))
    partial = target.with_suffix(".tmp")
    written: set[str] = set()
    with zipfile.ZipFile(partial, "w") as file, ThreadPoolExecutor(workers) as pool:
        packed = tqdm(pool.map(_reduced, found), "packing", len(found), unit="picture")
        for number, (path, data) in enumerate(zip(found, packed, strict=True)):
            file.writestr(f"pictures/{number:06}/{path.parent.name}/{path.stem}.webp", data)
            name = f"pairs/{cache.key(data)}.npz"
            if path in coded and name not in written:  # identical pictures share a name
                file.write(coded[path], name)
                written.add(name)
    partial.replace(target)
    shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"scodec: {target} ({target.stat().st_size / 1e6:.1f} MB)", err=True)


def _reduced(path: Path) -> bytes:
    rgb = Image.fromarray(photo.load(path).rgb)
    share = min(1.0, SIDE / min(rgb.size))
    small = rgb.resize([round(side * share) for side in rgb.size], Image.Resampling.LANCZOS, reducing_gap=3.0)
    data = io.BytesIO()
    small.save(data, "WEBP", quality=QUALITY, method=6)
    return data.getvalue()


if __name__ == "__main__":
    main()
