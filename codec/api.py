"""The public functions: `scodec.encode`, `decode`, `info`, `restore`, and `encode_many` and `decode_many`."""

from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image

from scodec import decoder, encoder, many, photo, restoration
from scodec.errors import BadRequest, ScodecError
from scodec.format.container import Data, read
from scodec.format.fileinfo import Info, describe
from scodec.options import DecodeOptions, EncodeOptions, Progress, RestoreOptions, keywords_of, resolve

__all__ = ["decode", "decode_many", "encode", "encode_many", "info", "restore"]


@keywords_of(EncodeOptions)
def encode(image: photo.Source, options: EncodeOptions | None = None, **changes: Any) -> bytes:
    """Encode a picture; returns the bytes of an .scz file.

    image: path, bytes or file object of a picture, PIL image, or uint8 array (H, W, 3) or (H, W).
    quality: 1 (smallest) to 100. scale: the luma is stored at 1/scale of the size, 1 to 4, or "auto" by rate.
    hints: 0 stores luminance only, N at most N bytes of colour, "auto" as much colour as pays off.
    luma: the luma coder, "vvc", the faster "av1", or "hyperprior", which is learned (needs the extra `learned`).
    effort: "fast", "medium" or "slow"; slow also tries the other scales and takes the file that the receiver rebuilds
    best, of those no larger than that of medium, or within `target_bytes` for its bytes; and it refines the latents of
    hyperprior for the picture at hand.
    target_bytes: largest size of the file; replaces `quality`.
    strip: True leaves out EXIF and XMP, which are kept otherwise; "location" only what tells where it was taken.
    options: all of them at once, in place of the single ones.

    Raises BadImage when the picture can't be used, BadRequest for impossible options, Unsupported where the luma
    coder is not available. Warns TargetWarning when `target_bytes` is out of reach and returns the nearest possible
    file.
    """
    return encoder.encode(photo.load(image), resolve(EncodeOptions, options, changes), decoder.rebuild)


@keywords_of(DecodeOptions)
def decode(
    data: Data,
    options: DecodeOptions | None = None,
    *,
    progress: Progress = iter,
    **changes: Any,
) -> Image.Image:
    """Decode an .scz file.

    data: the file's bytes, its path, or a binary file object.
    color: False gives the luminance alone, in grey; so does a file whose source was grey.
    look: "faithful" (least error), "natural" (stronger colours and texture), or a number from 0 to 1 between them.
    backend: what runs the networks, "onnx" (ONNX Runtime, on the CPU) or "torch"; "auto" takes torch where there is a
    GPU for it.
    device: "auto", "cpu", "cuda" or "mps"; dtype: "auto", "float32", "bfloat16" or "float16" for the networks.
    tile: side of the square tiles that large pictures are restored in, in pixels (at least 64).
    receivers: other networks in place of those that come with scodec, by name or weights file: systems of the reports
    (docs/systems.md), one that colours, whatever colour was coded, one that enlarges what was coded at a smaller scale,
    or both; and restorers and colorizers that you trained.
    check: False shows of a damaged file what can be shown: no checksum, colour and transparency only where readable.
    options: all of them at once, in place of the single ones.
    progress: wraps the list of tiles, to show how far the work is (tqdm, say).

    Returns a picture of mode "RGB" or "L", with transparency "RGBA" or "LA", with EXIF and XMP in its `info`.
    Raises BadFile, Unsupported, BadRequest; OSError when a path can't be read.
    """
    return decoder.decode(read(data), resolve(DecodeOptions, options, changes), progress)


@keywords_of(EncodeOptions)
def encode_many(
    images: Iterable[photo.Source], options: EncodeOptions | None = None, **changes: Any
) -> Iterator[bytes | ScodecError | OSError]:
    """Encode pictures side by side, one on each core; see `encode` for the arguments.

    Yields the files in the order of the pictures. A picture that can't be encoded gives its error in its place. Some
    pictures are encoded before their turn, two for each core; the rest of `images` is taken as the results are.
    Raises BadRequest for impossible options.
    """
    return many.encode(images, resolve(EncodeOptions, options, changes))


@keywords_of(DecodeOptions)
def decode_many(
    files: Iterable[Data], options: DecodeOptions | None = None, *, batch: int | None = None, **changes: Any
) -> Iterator[Image.Image | ScodecError | OSError]:
    """Decode files faster than one after the other; see `decode` for the arguments.

    With ONNX Runtime each file gets one core, and as many are held in memory as there are cores. With torch the coders
    work ahead in threads while the networks run, on a GPU on batches of pictures of one size; no more than four batches
    are held in memory. Yields the pictures in the order of the files. A file that can't be decoded gives its error in
    its place.
    batch: files that torch rebuilds at a time; None: 16 on a GPU, 1 on a CPU.
    Raises BadRequest for impossible options.
    """
    if batch is not None and batch < 1:
        raise BadRequest(f"batch {batch} is impossible: give 1 or more")
    return many.decode(files, resolve(DecodeOptions, options, changes), batch)


def info(data: Data) -> Info:
    """What an .scz file is, without decoding it. Raises BadFile, Unsupported; OSError when a path can't be read."""
    return describe(read(data))


@keywords_of(RestoreOptions)
def restore(source: photo.Source, options: RestoreOptions | None = None, **changes: Any) -> list[Image.Image]:
    """Colour and enlarge a photograph; colours that it has are taken for the paper's and replaced.

    source: as for `encode`. scale: 1 to 4 times larger. color: False leaves it grey.
    systems: systems of the reports (docs/systems.md) in place of scodec's own networks, by name or weights file: one
    that colours, one that enlarges, or both.
    look: "faithful" (least error), "natural" (stronger colours and texture), or a number from 0 to 1 between them.
    samples: how many versions; the first has the colours of the look, the others plausible ones drawn with `seed`.
    backend, device, dtype: as for `decode`. options: all of them at once, in place of the single ones.

    Returns pictures of mode "RGB" or "L", with transparency "RGBA" or "LA", with EXIF and XMP in their `info`.
    Raises BadImage, BadRequest, Unsupported; OSError when a path can't be read.
    """
    return restoration.restore(photo.load(source), resolve(RestoreOptions, options, changes))
