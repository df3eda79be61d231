"""Colours are what a file says: profiles by what they do, gAMA, cHRM, cICP, nclx; grey is what looks grey."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from scodec import photo

#: XYZ at D50 of red, green and blue: of sRGB (IEC 61966-2-1) and of Display P3, as in the profiles of their makers.
SRGB = (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)
P3 = (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)
#: x and y of white, red, green, blue: Display P3 (SMPTE EG 432-1, D65).
P3_XY = 0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06
WHITE = 203  # cd/m2, of paper and graphics in high dynamic range (ITU-R BT.2408)


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1 -> 8-bit sRGB."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def numbers(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(65536 * value) for value in values))


def gamma_curve(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * exponent))


def srgb_curve() -> bytes:
    return b"para\0\0\0\0\0\3\0\0" + numbers(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def sampled_srgb_curve(count: int) -> bytes:
    x = np.linspace(0, 1, count)
    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I", count) + np.rint(65535 * y).astype(">u2").tobytes()


def profile(curve: bytes, colorants: tuple = (), name: str = "sRGB") -> bytes:
    """A profile of RGB, or of grey where there are no colorants (ICC.1:2022)."""
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + bytes(79)
    tags = {b"desc": text, b"wtpt": b"XYZ \0\0\0\0" + numbers(0.9642, 1, 0.8249)}
    for letter, xyz in zip("rgb", colorants, strict=False):
        tags |= {f"{letter}TRC".encode(): curve, f"{letter}XYZ".encode(): b"XYZ \0\0\0\0" + numbers(*xyz)}
    if not colorants:
        tags[b"kTRC"] = curve
    table, body, place = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", tag, place + len(body), len(content))
        body += content
    head = struct.pack(">4s4s4s4s4s", b"\0\0\0\0", b"\2\x40\0\0", b"mntr", b"RGB " if colorants else b"GRAY", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + numbers(0.9642, 1, 0.8249) + bytes(48)
    return struct.pack(">I", 128 + len(table) + len(body)) + head + table + body


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(samples: np.ndarray, *chunks: bytes, kind: int | None = None) -> bytes:
    """A PNG file of uint8 or uint16 samples, (H, W) or (H, W, C), with chunks before the samples."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    height, width, channels = samples.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if kind is None else kind
    head = struct.pack(">IIBBBBB", width, height, 8 * samples.itemsize, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    parts = chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gama(exponent: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * exponent)))


def chrm(*points: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * point) for point in points)))


def iccp(content: bytes) -> bytes:
    return chunk(b"iCCP", b"a\0\0" + zlib.compress(content))


def cicp(primaries: int, transfer: int, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, full]))


def far(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(np.asarray(one, float) - other).max())


@pytest.fixture
def ramp() -> np.ndarray:
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.fixture
def colours() -> np.ndarray:
    """Of low saturation: within sRGB whatever their space."""
    return np.random.default_rng(0).integers(90, 150, (12, 12, 3)).astype(np.uint8)


# Profiles


@pytest.mark.parametrize("exponent", [1.0, 1.4, 1.8])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "RGBX", "YCbCr", "HSV"])
def test_a_profile_counts_whatever_its_name_and_the_mode(ramp: np.ndarray, mode: str, exponent: float) -> None:
    image = Image.fromarray(ramp) if mode == "P" else Image.fromarray(ramp).convert("RGB")
    image = image.convert(mode)
    samples = np.array(image.convert("RGB"))[..., 0]
    image.info["icc_profile"] = profile(gamma_curve(exponent), SRGB, "sRGB IEC61966-2.1")
    loaded = photo.load(image)
    assert loaded.gray and far(loaded.rgb[..., 0], encoded((samples / 255) ** exponent)) <= 1


@pytest.mark.parametrize("exponent", [1.0, 1.8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_profile_of_grey(ramp: np.ndarray, exponent: float, dtype: type, alpha: bool) -> None:
    samples = ramp.astype(dtype) * (257 if dtype is np.uint16 else 1)
    if alpha:
        samples = np.stack([samples, np.full_like(samples, np.iinfo(dtype).max // 3)], 2)
    loaded = photo.load(png(samples, iccp(profile(gamma_curve(exponent)))))
    assert loaded.gray and far(loaded.rgb[..., 0], encoded((ramp / 255) ** exponent)) <= 1
    assert (loaded.alpha is None) != alpha and (loaded.alpha is None or (loaded.alpha == 85).all())


@pytest.mark.parametrize("curve", [gamma_curve(1), srgb_curve(), sampled_srgb_curve(1024)])
def test_sixteen_bits_are_converted_at_their_precision(curve: bytes) -> None:
    """In the dark of a linear picture two 8-bit samples are 13 levels apart."""
    linear = np.linspace(0, 0.02, 300)
    deep = np.repeat(np.rint(linear * 65535).astype(np.uint16).reshape(10, 30, 1), 3, 2)
    loaded = photo.load(png(deep, iccp(profile(curve, SRGB))))
    expected = encoded(linear) if curve == gamma_curve(1) else 255 * linear
    assert far(loaded.rgb[..., 0].ravel(), expected) <= 0.6


@pytest.mark.parametrize("curve", [srgb_curve(), sampled_srgb_curve(1024), sampled_srgb_curve(4096)])
@pytest.mark.parametrize("name", ["sRGB", "Display", ""])
def test_what_does_as_srgb_does_changes_no_sample(small: np.ndarray, curve: bytes, name: str) -> None:
    assert np.array_equal(photo.load(png(small, iccp(profile(curve, SRGB, name)))).rgb, small)


@pytest.mark.parametrize(
    "damage", [b"", b"?" * 200, profile(gamma_curve(1))[:140], profile(gamma_curve(1), SRGB)[:150]]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_broken_profiles_say_nothing(small: np.ndarray, damage: bytes, dtype: type) -> None:
    samples = small.astype(dtype) * (257 if dtype is np.uint16 else 1)
    assert np.array_equal(photo.load(png(samples, iccp(damage))).rgb, small)


# PNG's own chunks


@pytest.mark.parametrize("exponent", [1.0, 0.55, 0.3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gamma(ramp: np.ndarray, exponent: float, dtype: type) -> None:
    samples = ramp.astype(dtype) * (257 if dtype is np.uint16 else 1)
    for each in (samples, np.repeat(samples[..., None], 3, 2)):
        assert far(photo.load(png(each, gama(exponent))).rgb[..., 1], encoded((ramp / 255) ** (1 / exponent))) <= 0.6


@pytest.mark.parametrize(
    "chunks",
    [
        (gama(0.45455),),
        (gama(0),),
        (chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),),
        (chunk(b"sRGB", b"\0"), gama(1)),
        (iccp(profile(srgb_curve(), SRGB)), gama(1)),
        (cicp(1, 13), iccp(profile(gamma_curve(1), SRGB)), gama(1)),
        (cicp(1, 1), gama(1)),
        (cicp(200, 99),),
        (chrm(*[0.0] * 8),),
        (chrm(*[0.3] * 8),),
    ],
)
def test_chunks_that_mean_srgb(small: np.ndarray, chunks: tuple[bytes, ...]) -> None:
    assert np.array_equal(photo.load(png(small, *chunks)).rgb, small)


def test_p3_is_the_same_by_profile_cicp_and_chrm(colours: np.ndarray) -> None:
    """LittleCMS converts the first, and judges the others."""
    expected = photo.load(png(colours, iccp(profile(srgb_curve(), P3, "P3")))).rgb
    assert far(expected, colours) > 5
    deep = colours.astype(np.uint16) * 257
    for other in (png(colours, cicp(12, 13)), png(colours, chrm(*P3_XY)), png(deep, cicp(12, 13)),
                  png(deep, iccp(profile(srgb_curve(), P3)))):  # fmt: skip
        assert far(photo.load(other).rgb, expected) <= 1


def test_unknown_codepoints_leave_it_to_the_other_chunks(ramp: np.ndarray) -> None:
    for chunks in ((cicp(200, 99), gama(1)), (cicp(9, 17), iccp(profile(gamma_curve(1), SRGB)))):
        loaded = photo.load(png(np.repeat(ramp[..., None], 3, 2), *chunks))
        assert far(loaded.rgb[..., 0], encoded(ramp / 255)) <= 2


def test_narrow_range(ramp: np.ndarray) -> None:
    narrow = np.rint(16 + ramp / 255 * 219).astype(np.uint8)
    assert far(photo.load(png(np.repeat(narrow[..., None], 3, 2), cicp(1, 13, full=0))).rgb[..., 0], ramp) <= 1


# High dynamic range


def pq(light: np.ndarray) -> np.ndarray:
    """cd/m2 -> samples of 16 bits (SMPTE ST 2084)."""
    power = (light / 10_000) ** (2610 / 16384)
    return np.rint(65535 * ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375).astype(np.uint16)


def test_pq_below_white_is_what_it_would_be_in_srgb() -> None:
    light = np.linspace(0, WHITE, 4096).reshape(64, 64)
    loaded = photo.load(png(np.repeat(pq(light)[..., None], 3, 2), cicp(9, 16)))
    assert far(loaded.rgb[..., 0], encoded(light / WHITE)) <= 1


@pytest.mark.parametrize("peak", [400, 1000, 4000])
def test_highlights_are_compressed_not_clipped(peak: float) -> None:
    light = np.geomspace(1, peak, 4096).reshape(64, 64)
    values = photo.load(png(np.repeat(pq(light)[..., None], 3, 2), cicp(9, 16))).rgb[..., 0].ravel().astype(int)
    assert (np.diff(values) >= 0).all() and values[-1] == 255
    assert len(set(values[light.ravel() > 1.1 * WHITE])) > 5 and (values == 255).mean() < 0.1
    assert far(values[light.ravel() < 10], encoded(light.ravel()[light.ravel() < 10] / WHITE)) <= 1


def test_hues_of_highlights_stay() -> None:
    """Channels keep their ratios: an orange lamp doesn't become yellow."""
    light = np.zeros((64, 64, 3)) + 50
    light[:32] = 900, 450, 225
    rgb = photo.load(png(pq(light), cicp(1, 16))).rgb[0, 0] / 255
    linear = ((rgb + 0.055) / 1.055) ** 2.4
    assert far(linear / linear[0], np.array([1, 0.5, 0.25])) < 0.02


def test_hlg_white_is_white() -> None:
    """A signal of 75 % is the white of graphics, one of 38 % a grey card at 26 cd/m2 (ITU-R BT.2408, table 1)."""
    samples = np.zeros((64, 64, 3), np.uint16)
    samples[:], samples[:32] = round(0.75 * 65535), round(0.38 * 65535)
    rgb = photo.load(png(samples, cicp(9, 18))).rgb[..., 0]
    assert rgb[-1, -1] == 255 and abs(rgb[0, 0] - encoded(np.array(26 / WHITE))) < 3


def test_nclx_of_avif(colours: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(colours).resize((64, 64)).save(stream, "AVIF", quality=100, subsampling="4:4:4")
    data = stream.getvalue()
    plain, place = photo.load(data).rgb, data.index(b"nclx") + 4
    changed = photo.load(data[:place] + struct.pack(">HH", 12, 13) + data[place + 4 :]).rgb
    assert far(changed, photo.load(png(plain, cicp(12, 13))).rgb) == 0 and far(changed, plain) > 5


# Monochrome


@pytest.fixture
def bw() -> np.ndarray:
    """A black-and-white picture, in three equal channels, int (160, 160, 3)."""
    y, x = np.mgrid[:160, :160]
    gray = 128 + 90 * np.sin(x / 9) * np.cos(y / 13) + np.random.default_rng(1).normal(0, 8, x.shape)
    return np.repeat(np.clip(gray, 8, 247).astype(int)[..., None], 3, 2)


def is_gray(rgb: np.ndarray) -> bool:
    loaded = photo.load(rgb.astype(np.uint8))
    luma = np.rint(rgb @ [0.299, 0.587, 0.114])
    if loaded.gray:
        assert (loaded.rgb == loaded.rgb[..., :1]).all() and far(loaded.rgb[..., 0], luma) <= 1
    else:
        assert np.array_equal(loaded.rgb, rgb)
    return loaded.gray


def test_what_looks_grey_is_grey(bw: np.ndarray) -> None:
    noise = np.random.default_rng(2)
    assert is_gray(bw)
    for offset in ([1, 0, 0], [0, -1, 1], [0, 0, 2], [2, 0, 1]):
        one = bw.copy()
        one[70, 31] += offset
        assert is_gray(one) and is_gray(bw + offset)
    assert is_gray(bw + noise.integers(-1, 2, bw.shape))
    hot = bw.copy()
    hot[70, 31] = 255, 0, 0
    assert is_gray(hot)
    stream = io.BytesIO()
    Image.fromarray((bw + noise.integers(-1, 2, bw.shape)).astype(np.uint8)).save(stream, "JPEG", quality=90)
    assert photo.load(stream.getvalue()).gray


def test_rounding_of_a_conversion_stays_grey(bw: np.ndarray) -> None:
    noisy = (bw + np.random.default_rng(3).integers(-1, 2, bw.shape)).astype(np.uint8)
    for content in (profile(gamma_curve(2.2), P3), profile(gamma_curve(1.8), SRGB)):
        assert photo.load(png(noisy, iccp(content))).gray


def test_toned_pictures_stay_in_colour(bw: np.ndarray) -> None:
    selenium = np.array([2, -1, 1])
    assert not is_gray(bw + selenium)
    assert not is_gray(bw + selenium[::-1])
    assert not is_gray(np.rint(bw * [1.02, 1, 0.99]).clip(0, 255))  # strongest in the lights
    assert not is_gray(np.rint(bw * [1, 0.9, 0.7]))  # sepia
    half = bw.copy()
    half[:, 80:] += selenium
    assert not is_gray(half)


def test_small_things_in_colour_keep_it(bw: np.ndarray) -> None:
    dot, line = bw.copy(), bw.copy()
    dot[70:75, 31:36] = 200, 20, 20
    line[np.arange(160), np.arange(160)] = 200, 20, 20
    assert not is_gray(dot) and not is_gray(line)
    assert not is_gray(np.array([[[10, 10, 10], [16, 10, 10]]]))


def test_the_dark_of_a_linear_picture_is_judged_as_it_looks() -> None:
    """Two levels of linear light are twenty of sRGB there."""
    dark = np.zeros((64, 64, 3), np.uint8) + np.array([4, 2, 2], np.uint8)
    assert not photo.load(png(dark, gama(1))).gray


def test_only_what_is_visible_counts(bw: np.ndarray) -> None:
    rgba = np.concatenate([bw, np.full((160, 160, 1), 255)], 2).astype(np.uint8)
    rgba[:40] = 255, 0, 0, 0
    assert photo.load(png(rgba)).gray
    rgba[100:, :, 0] += 6
    assert not photo.load(png(rgba)).gray


def test_the_builtin_profile_of_littlecms_is_srgb(small: np.ndarray) -> None:
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(photo.load(png(small, iccp(content.replace(b"sRGB", b"Blah")))).rgb, small)
