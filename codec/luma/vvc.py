"""Luma coder `vvc`: one intra picture of Versatile Video Coding (ITU-T H.266), without its parameter sets.

VVenC codes, in the FFmpeg that the package imageio-ffmpeg brings along; FFmpeg's decoder decodes in this process, by
PyAV, for which no FFmpeg has to be started. The parameter sets (166 bytes) are the
same for every picture but for its size; the section names them by number and the decoder writes them anew
(docs/format.md). Flat chroma costs next to nothing; real chroma, predicted from the luma block by block, costs half of
what colour hints cost that are coded apart.
"""

import hashlib
import os
import re
from typing import TYPE_CHECKING, cast

import numpy as np

from scodec.errors import BadFile, BadImage, OutOfMemory, Unsupported
from scodec.format import leb128
from scodec.luma import ffmpeg

if TYPE_CHECKING:
    import av

#: Quantization parameters of VVC: 0 is the finest, 63 the coarsest.
QUANTIZERS = range(64)
#: Pixels from which on more than one thread is worth it, also where other pictures are coded at the same time.
LARGE = 1_000_000
#: FFmpeg's names of the decoder, and of planes of ten bits, chroma at half the size.
_DECODER, _SAMPLES = "vvc", "yuv420p10le"

# Sequence and picture parameter set of a 16 x 16 picture, as VVenC 1.14 writes them for each preset at level 6.2, and
# the bit where width and height stand in them. A number, once used in files, never changes its meaning.
_PARAMETER_SETS = tuple(
    (bytes.fromhex(f"007900{ctu}0266800000822111a801cd{tools}"), bytes.fromhex("0081000110888907ec08"))
    for ctu, tools in (
        (
            "ab",
            "e884d149ef384d958c10209c00ca0c5842183110819220d487a3d5a92f249a92c9116a22f1126a22452444992224d4659210b5085e10"
            "bd5a92f25ea19418b100c5880810810102a102020690810102c408081104040b2080812101064081108102c8408122041a0812410708"
            "32045a104908710d0972395f7a5d8ace4800000008000000c8c4",
        ),
        (
            "ad",
            "d36e991a4526f384d958c10209c00ca0c5842183110819220d487a3d5a92f249a92c9116a22f1126a22452444992224d4659210b5085"
            "e10bd5a92f25ea19418b100c5880810810102a102020690810102c408081104040b2080812101064081108102c8408122041a0812410"
            "70832045a104908710d0972395ffa5d97f9c90000000100000019188",
        ),
        (
            "ad",
            "d11ba211a65264ce1365630408270032831610860c442064883521e8f56a4bc926a4b2445a88bc449a88914911264889351964842d42"
            "17842f56a4bc97a865062c4031620204204040a8408081a4204040b1020204410102c820204840419020442040b21020488106820490"
            "41c20c81168412421c43425c8e57ffddf27e7240000000400000064620",
        ),
    )
)
_SEQUENCE_SIZE_AT, _PICTURE_SIZE_AT = 74, 27

_START = b"\0\0\0\1"
# NAL unit types (H.266, table 5)
_SLICE, _SEQUENCE, _PICTURE, _ADAPTATION, _DELIMITER, _SUFFIX_SEI = 7, 15, 16, 17, 20, 24
_SLICE_HEADER, _ADAPTATION_HEADER = bytes([0, _SLICE << 3 | 1]), bytes([0, _ADAPTATION << 3 | 1])


def encode(y: np.ndarray, quantizer: int, effort: str = "medium", chroma: np.ndarray | None = None) -> bytes:
    """Code luma `y` (H x W, uint8, full range) with a `quantizer` of 0 (finest) to 63.

    effort: VVenC's preset, "fast", "medium" or "slow". Against "medium", "fast" takes a third of the time and 5 % more
    bytes at equal luma PSNR, "slow" twice the time and 2 % fewer.
    chroma: Cb and Cr (2, ceil(H / 2), ceil(W / 2), -128..127) to be coded along; flat without.
    The picture is decoded for a trial and held against the encoder's own (by MD5): FFmpeg's decoder is young.

    Raises BadImage when VVenC refuses the picture, Unsupported where FFmpeg fails or lacks VVenC, or the decoder errs.
    """
    width, height = _padded_size(y.shape[1], y.shape[0])
    if chroma is None:
        chroma = np.zeros((2, 1, 1))
    levels = np.clip(np.rint((chroma + 128) * 4), 0, 1023)
    planes = _padded(y.astype(int) << 2, height, width) + b"".join(_padded(c, height // 2, width // 2) for c in levels)
    result = ffmpeg.run(*_encoding(width, height, quantizer, effort), data=planes)
    if result.returncode or not result.stdout:
        ffmpeg.blame(result, _ENCODING_TRIAL)
        size = f"{y.shape[1]} x {y.shape[0]}"
        if result.returncode < 0:
            how = f"{ffmpeg.ended(result)}, perhaps for lack of memory"
            raise Unsupported(f"the VVC encoder crashed on a {size} picture ({how}): {_AV1}")
        raise BadImage(f"the VVC encoder refused a {size} picture ({ffmpeg.reason(result)})")
    section, md5 = _section(result.stdout, width, height)
    try:
        decoded = _decoded(section, width, height)
    except BadFile as error:
        raise Unsupported(f"the VVC decoder on this machine can't decode what was coded: {_AV1}") from error
    if b"".join(hashlib.md5(plane.tobytes()).digest() for plane in decoded) != md5:
        raise Unsupported(f"the VVC decoder on this machine decodes this picture wrongly: {_AV1}")
    return section


def decode(section: bytes, width: int, height: int) -> np.ndarray:
    """Decode to luma (`height` x `width`, uint8). Raises BadFile when the data is not such a picture."""
    return decode_colour(section, width, height)[0]


def decode_colour(section: bytes, width: int, height: int, strict: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Decode to luma (`height` x `width`, uint8) and chroma (float32, as `encode` takes it). Raises as `decode`.

    Not `strict`, blocks that can't be decoded are left as FFmpeg leaves them.
    """
    size = _padded_size(width, height)
    try:
        y, *chroma = _decoded(section, *size)
    except BadFile:
        if strict:
            raise
        y, *chroma = _salvaged(section, *size)
    rows, columns = -(-height // 2), -(-width // 2)
    planes = np.stack([plane[:rows, :columns] for plane in chroma]).astype(np.float32)
    return np.minimum((y[:height, :width] + 2) >> 2, 255).astype(np.uint8), planes / 4 - 128


def _padded(plane: np.ndarray, height: int, width: int) -> bytes:
    """Ten-bit samples, the right and lower edges replicated."""
    return np.pad(plane, ((0, height - plane.shape[0]), (0, width - plane.shape[1])), "edge").astype("<u2").tobytes()


def _decoded(section: bytes, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The whole coded picture: Y (height x width), Cb and Cr (half of both), 10 bits in uint16."""
    import av  # only where VVC is decoded: `scodec info` and AV1 do without
    from av.codec.codec import UnknownCodecError

    stream = _stream(section, width, height)
    try:
        decoder = cast("av.VideoCodecContext", av.CodecContext.create(_DECODER, "r"))
    except UnknownCodecError:
        raise Unsupported("the PyAV on this machine has no VVC decoder: pip install --upgrade av") from None
    decoder.thread_count, decoder.options = 1, {"err_detect": "explode"}
    try:
        frames = [*decoder.decode(av.Packet(stream)), *decoder.decode(None)]
    except MemoryError as error:
        raise OutOfMemory("not enough memory to decode VVC: free memory, or use a machine with more") from error
    except av.FFmpegError as error:
        raise BadFile(f"the luma data can't be decoded ({error.strerror}): the file is damaged, get it again") from None
    if len(frames) != 1 or (frames[0].width, frames[0].height, frames[0].format.name) != (width, height, _SAMPLES):
        raise BadFile("the luma data is not one picture of the right size: the file is damaged, get it again")
    planes = frames[0].planes
    y, cb, cr = (np.frombuffer(bytes(each), "<u2").reshape(each.height, -1)[:, : each.width] for each in planes)
    return y, cb, cr


def _salvaged(section: bytes, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What can be decoded of a damaged section, as `_decoded`: FFmpeg's command gives it away, PyAV does not."""
    # several threads race for what is left of a damaged picture: at times they leave nothing of it
    source, target = ("-threads", "1", "-f", "vvc", "-i", "pipe:0"), ("-f", "rawvideo", "-pix_fmt", _SAMPLES, "pipe:1")
    result = ffmpeg.run(*source, "-frames:v", "1", *target, data=_stream(section, width, height))
    count = width * height
    if len(result.stdout) != count * 3:
        raise BadFile(f"nothing of the luma can be decoded ({ffmpeg.reason(result)}): get the file again")
    y, cb, cr = np.split(np.frombuffer(result.stdout, "<u2"), [count, count + count // 4])
    half = height // 2, width // 2
    return y.reshape(height, width), cb.reshape(half), cr.reshape(half)


def _encoding(width: int, height: int, quantizer: int, effort: str) -> tuple[str, ...]:
    """FFmpeg's arguments: 10-bit planes to VVC."""
    return (
        *("-f", "rawvideo", "-pix_fmt", _SAMPLES, "-s", f"{width}x{height}", "-i", "pipe:0"),
        *("-c:v", "libvvenc", "-preset", effort, "-qp", str(quantizer), "-qpa", "0"),
        *(
            "-vvenc-params",
            "level=6.2:SEIDecodedPictureHash=md5",
            "-threads",
            str(_threads(width * height)),
            "-f",
            "vvc",
            "pipe:1",
        ),
    )


def _threads(pixels: int) -> int:
    """How many of VVenC's threads work on a picture. 1 to 4 give the same bytes (VVenC 1.15), 8 do not."""
    return min(4, os.cpu_count() or 1) if pixels >= LARGE else 1


_AV1 = "take the luma coder av1 (--luma av1)"
#: The smallest picture that is coded, all grey.
_TINY = 136, 16
_ENCODING_TRIAL = ffmpeg.Trial(
    work="encode VVC",
    arguments=_encoding(*_TINY, 40, "fast"),
    data=np.full(136 * 16 * 3 // 2, 512, "<u2").tobytes(),
    least=1,
    way_out=f", or {_AV1}",
)


def _padded_size(width: int, height: int) -> tuple[int, int]:
    """VVC codes multiples of 8, VVenC nothing under 16; FFmpeg 9.0 errs where a single 128-pixel block fills a row."""
    return max(136, -(-width // 8) * 8), max(16, -(-height // 8) * 8)


def _section(stream: bytes, width: int, height: int) -> tuple[bytes, bytes]:
    """The section that stands for a VVC stream, and the MD5s of the picture's planes.

    set number << 4 | count of adaptation sets, [length, adaptation set]..., slice; all without their headers.
    """
    units: dict[int, list[bytes]] = {}
    for unit in stream.split(b"\0\0\1")[1:]:
        unit = unit.rstrip(b"\0")
        units.setdefault(unit[1] >> 3 if len(unit) > 1 else -1, []).append(unit)
    known = {_SLICE, _SEQUENCE, _PICTURE, _ADAPTATION, _DELIMITER, _SUFFIX_SEI}
    adaptations = [unit[2:] for unit in units.get(_ADAPTATION, [])]
    written = *units.get(_SEQUENCE, []), *units.get(_PICTURE, [])
    number = next((i for i in range(len(_PARAMETER_SETS)) if _parameter_sets(i, width, height) == written), None)
    whole = len(units.get(_SLICE, [])) == 1 and _SUFFIX_SEI in units
    if number is None or not units.keys() <= known or not whole or len(adaptations) > 15:
        raise Unsupported(f"the FFmpeg on this machine writes VVC data of another kind: {_AV1}")
    parts = [bytes([number << 4 | len(adaptations)])]
    parts += [leb128.write(len(unit)) + unit for unit in adaptations]
    # Header, kind and length of the message, kind of hash, then the hash of each plane (H.274, 8.8.1).
    md5 = units[_SUFFIX_SEI][0].replace(b"\0\0\3", b"\0\0")[6:54]
    return b"".join(parts) + units[_SLICE][0][2:], md5


def _stream(section: bytes, width: int, height: int) -> bytes:
    """The VVC stream of a section; `_section` is its inverse."""
    number, count = divmod(section[0], 16) if section else (len(_PARAMETER_SETS), 0)
    if number >= len(_PARAMETER_SETS):
        raise BadFile("the luma data is of an unknown kind: the file is damaged, or update scodec")
    units, at = list(_parameter_sets(number, width, height)), 1
    for _ in range(count):
        size, at = leb128.read(section, at)
        units.append(_ADAPTATION_HEADER + section[at : at + size])
        at += size
    units.append(_SLICE_HEADER + section[at:])
    if any(b"\0\0\1" in unit for unit in units):  # would smuggle in units of its own, a huge picture's say
        raise BadFile("the luma data holds a start code: the file is damaged, get it again")
    return b"".join(_START + unit for unit in units)


def _parameter_sets(number: int, width: int, height: int) -> tuple[bytes, bytes]:
    """The sequence and the picture parameter set for a picture of this size."""
    sequence, picture = _PARAMETER_SETS[number]
    return _resized(sequence, _SEQUENCE_SIZE_AT, width, height), _resized(picture, _PICTURE_SIZE_AT, width, height)


def _resized(unit: bytes, at: int, width: int, height: int) -> bytes:
    """A parameter set whose width and height, 16 x 16 at bit `at`, are replaced."""
    bits = f"{int.from_bytes(unit, 'big'):0{len(unit) * 8}b}"
    bits = bits[:at] + _exp_golomb(width) + _exp_golomb(height) + bits[at + 2 * len(_exp_golomb(16)) :].rstrip("0")
    bits += "0" * (-len(bits) % 8)  # the last 1 is the stop bit of H.266, 7.3.2.16
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", raw)  # emulation prevention (H.266, 7.3.1.2)


def _exp_golomb(value: int) -> str:
    """ue(v) of H.266, 9.2."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits
