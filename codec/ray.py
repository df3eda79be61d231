"""scodec on Ray Datasets: pictures to .scz files and back, a row for each. Needs the extra `ray`.

>>> import ray, scodec.ray
>>> pictures = ray.data.read_binary_files("photos")  # doctest: +SKIP
>>> scodec.ray.encode(pictures, quality=40).write_parquet("coded")  # doctest: +SKIP
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scodec import api, many
from scodec.errors import explain
from scodec.options import DecodeOptions, EncodeOptions, keywords_of

if TYPE_CHECKING:
    from ray.data import Dataset

#: Rows that a worker has in memory at a time.
ROWS = 16

Batch = dict[str, Any]


@keywords_of(EncodeOptions)
def encode(dataset: "Dataset", column: str = "bytes", **options: Any) -> "Dataset":
    """Encode the pictures of a dataset, in tasks of one core.

    column: holds image files as bytes, or arrays as `scodec.encode` takes them; it gives way to `scz`, a file's bytes,
    and `error`, a sentence. One of the two is empty in each row: a broken picture ends nothing. The other columns stay.
    Raises BadRequest for impossible options, before any work.
    """
    wanted = EncodeOptions(**options)
    return dataset.map_batches(
        partial(_converted, partial(_encoded, wanted), column, "scz"), batch_size=ROWS, batch_format="numpy", num_cpus=1
    )


@keywords_of(DecodeOptions)
def decode(
    dataset: "Dataset", column: str = "scz", workers: int | tuple[int, int] = (1, 8), gpus: float = 0, **options: Any
) -> "Dataset":
    """Decode the .scz files of a dataset, in workers that keep the networks.

    column: holds the files' bytes; it gives way to `image`, uint8 arrays (H, W, C) of 1 to 4 channels, and `error`, a
    sentence; where that is not empty, the image has no pixels. The other columns stay.
    workers: how many, or the least and the most. gpus: for each worker, a part of one where several share it.
    Raises BadRequest for impossible options, before any work.
    """
    wanted = DecodeOptions(**options)
    return dataset.map_batches(
        _Decoder, fn_constructor_args=(wanted, column), batch_size=ROWS, batch_format="numpy", concurrency=workers,
        num_cpus=1, num_gpus=gpus or None,
    )  # fmt: skip


class _Decoder:
    """Decodes batches: files of one kind share a run of the networks on a GPU (`scodec.decode_many`)."""

    def __init__(self, options: DecodeOptions, column: str) -> None:
        self.options, self.column = options, column

    def __call__(self, batch: Batch) -> Batch:
        return _converted(self._decoded, self.column, "image", batch)

    def _decoded(self, files: Any) -> list[Any]:
        contents = (bytes(each or b"") for each in files)
        pictures = many.decode(contents, self.options, threads=1)  # a worker has one core
        # as many dimensions in all, for Ray's sake
        return [each if isinstance(each, Exception) else np.atleast_3d(np.asarray(each)) for each in pictures]


def _encoded(options: EncodeOptions, pictures: Any) -> list[Any]:
    def attempt(picture: Any) -> Any:
        try:
            return api.encode(picture if isinstance(picture, bytes) else np.asarray(picture), options)
        except Exception as error:
            if explain(error) is None:
                raise
            return error

    return [attempt(picture) for picture in pictures]


def _converted(convert: Callable[[Any], list[Any]], column: str, result: str, batch: Batch) -> Batch:
    """A batch with the results of a column in its place, empty where there is an error."""
    warnings.simplefilter("ignore")
    found = convert(batch.pop(column))
    empty: Any = b"" if result == "scz" else np.zeros((0, 0, 3), np.uint8)
    batch[result] = np.empty(len(found), object)
    batch[result][:] = [empty if isinstance(each, Exception) else each for each in found]
    batch["error"] = np.array([explain(each) if isinstance(each, Exception) else "" for each in found])
    return batch
