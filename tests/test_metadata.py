"""EXIF and XMP agree with the pixels, one broken tag costs no other, and they can be stripped and slimmed."""

import io
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec import metadata, photo
from scodec.errors import BadFile, ScodecWarning
from scodec.format import container
from scodec.metadata import exif, xmp

TIFF = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
#: An XMP packet that names an orientation, in the forms that are met; what differs between them is all that stays.
FORMS = {
    "attribute": f'<rdf:Description rdf:about="" {TIFF} tiff:Orientation="%s"/>',
    "single quotes": "<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='%s' />",
    "element": f"<rdf:Description {TIFF}><tiff:Orientation>%s</tiff:Orientation></rdf:Description>",
    "other prefix": '<rdf:Description xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation = "%s"/>',
    "prefix of the element": '<rdf:Description><o:Orientation xmlns:o="http://ns.adobe.com/tiff/1.0/">\n %s\n'
    "</o:Orientation ></rdf:Description>",
    "default namespace": '<rdf:Description><Orientation xmlns="http://ns.adobe.com/tiff/1.0/">%s</Orientation>'
    "</rdf:Description>",
}
ENCODINGS = ["utf-8", "utf-16-le", "utf-16-be"]


def packet(description: str, encoding: str = "utf-8", padding: str = "\n" + " " * 99 + "\n") -> bytes:
    text = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a &gt; \xe4"/>{description}\n'
        f'</rdf:RDF></x:xmpmeta>{padding}<?xpacket end="w"?>'
    )
    return text.encode(encoding)


def ifd(entries: list[tuple[int, int, int, bytes]], at: int = 8, head: bytes = b"II*\0\x08\0\0\0") -> bytes:
    """A directory by hand: tag, type, count and the bytes of the value, or of its offset."""
    body, data = struct.pack("<H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field, data = struct.pack("<L", behind + len(data)), data + value
        body += struct.pack("<HHL", tag, kind, count) + field
    return head + body + bytes(4) + data


def as_jpeg(small: np.ndarray, block: bytes | Image.Exif = b"", xmp: bytes = b"") -> bytes:
    stream = io.BytesIO()
    about = exif.MAGIC + block if isinstance(block, bytes) and block else block
    options = ({"exif": about} if about else {}) | ({"xmp": xmp} if xmp else {})
    Image.fromarray(small).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def tags(about: metadata.Metadata) -> exif.Directory:
    return exif.parse(about.exif)


ORIENTATION_6 = (0x0112, 3, 1, b"\x06\0")
MAKE = (0x010F, 2, 6, b"Maker\0")
#: Entries that Pillow can't write, or that are not there, and the name of each.
BROKEN_ENTRIES = {
    "Model": (0x0110, 5, 1, struct.pack("<LL", 1, 1)),
    "Artist": (0x013B, 12, 1, struct.pack("<d", 0.5)),
    "Copyright": (0x8298, 10, 2, struct.pack("<4l", -1, 2, 3, 4)),
    "ImageDescription": (0x010E, 3, 3, struct.pack("<3H", 1, 2, 3)),
    "XResolution": (0x011A, 2, 6, b"heavy\0"),
    "YResolution": (0x011B, 7, 5, b"heavy"),
    "DateTime": (0x0132, 99, 20, bytes(20)),
    "Software": (0x0131, 2, 0, b""),
    "HostComputer": (0x013C, 2, 4000, struct.pack("<L", 60)),
    "ExifOffset": (0x8769, 5, 1, struct.pack("<LL", 8, 1)),
    "GPSInfo": (0x8825, 4, 1, struct.pack("<L", 1 << 30)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own
@pytest.mark.parametrize("name", BROKEN_ENTRIES)
def test_one_broken_tag_costs_neither_picture_nor_the_others(small: np.ndarray, name: str) -> None:
    data = as_jpeg(small, ifd(sorted([MAKE, ORIENTATION_6, BROKEN_ENTRIES[name]])))
    with pytest.warns(ScodecWarning, match=f": {name}$"):
        loaded = photo.load(data)
    assert loaded.rgb.shape == (131, 97, 3)
    assert tags(loaded.metadata) == {0x010F: "Maker"}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("pointer", "name", "entry", "good"),
    [
        (
            0x8769,
            "ExposureTime",
            (0x829A, 5, 1, struct.pack("<L", 90_000)[:4]),
            (0x9003, 2, 20, b"2026:01:02 03:04:05\0"),
        ),
        (0x8769, "DateTimeOriginal", (0x9003, 0, 20, bytes(20)), (0x927C, 7, 30, bytes(range(30)))),
        (0x8825, "GPSLatitude", (2, 2, 9, b"60 North\0"), (29, 2, 11, b"2026:01:02\0")),
    ],
)
def test_a_broken_tag_of_an_inner_directory(
    small: np.ndarray, pointer: int, name: str, entry: tuple[int, int, int, bytes], good: tuple[int, int, int, bytes]
) -> None:
    outer = ifd([MAKE, ORIENTATION_6, (pointer, 4, 1, struct.pack("<L", 200))]).ljust(200, b"\0")
    data = as_jpeg(small, outer + ifd(sorted([entry, good]), 200, b""))
    with pytest.warns(ScodecWarning, match=f": {name}$"):
        loaded = photo.load(data)
    found = tags(loaded.metadata)
    assert loaded.rgb.shape == (131, 97, 3) and found[0x010F] == "Maker" and list(found[pointer]) == [good[0]]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("keep", [0, 4, 9, 20, 30, 45])
def test_cut_or_foreign_blocks_are_told_of(small: np.ndarray, keep: int) -> None:
    block = ifd([MAKE, (0x0110, 2, 9, b"Model 12\0"), ORIENTATION_6])[:keep] or b"not TIFF at all"
    with pytest.warns(ScodecWarning, match="EXIF data .* left out: "):
        loaded = photo.load(as_jpeg(small, block))
    assert loaded.rgb.shape in ((97, 131, 3), (131, 97, 3))


@pytest.mark.parametrize(
    "entry", [(3, 1, b"\x06\0"), (4, 1, b"\x06"), (1, 1, b"\x06"), (2, 2, b"6\0"), (5, 1, b"\x0c\0\0\0\2\0\0\0")]
)
def test_orientation_of_any_type(small: np.ndarray, entry: tuple[int, int, bytes]) -> None:
    with Image.open(io.BytesIO(as_jpeg(small, ifd([(0x0112, *entry)])))) as image:
        assert metadata.orientation(image) == 6
        assert photo.load(image).rgb.shape == (131, 97, 3)


@pytest.mark.parametrize(
    "entry", [(3, 1, b"\x09\0"), (3, 1, b"\0\0"), (2, 4, b"top\0"), (5, 1, bytes(8)), (7, 3, b"\x06\x06\x06")]
)
def test_orientation_that_says_nothing(small: np.ndarray, entry: tuple[int, int, bytes]) -> None:
    with Image.open(io.BytesIO(as_jpeg(small, ifd([(0x0112, *entry)])))) as image:
        assert metadata.orientation(image) == 1
        assert photo.load(image).rgb.shape == (97, 131, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_nothing_turns_a_picture_twice(small: np.ndarray, form: str, encoding: str, orientation: int) -> None:
    about = Image.Exif()
    about[0x0112] = orientation
    source = Image.fromarray(small)
    source.info |= {"exif": about.tobytes(), "xmp": packet(FORMS[form] % orientation, encoding)}
    once = photo.load(source)
    assert once.metadata.xmp == packet(FORMS[form].replace("\n %s\n", "%s") % 1, encoding)  # all else stays
    again = Image.fromarray(once.rgb)
    again.info |= metadata.as_info(once.metadata)
    assert np.array_equal(photo.load(again).rgb, once.rgb)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_orientation_in_xmp_alone_is_applied_once(small: np.ndarray, form: str, encoding: str) -> None:
    source = Image.fromarray(small)
    source.info["xmp"] = packet(FORMS[form] % 6, encoding)
    once = photo.load(source)
    assert once.rgb.shape == (131, 97, 3) and xmp.properties(once.metadata.xmp)[xmp.TIFF, "Orientation"] == "1"


@pytest.mark.parametrize("text", ["&lt;", "<", "\0"])
def test_what_is_no_property_stays(text: str) -> None:
    inside = f"<!-- tiff:Orientation='6' --><![CDATA[ <tiff:Orientation>6</tiff:Orientation> ]]>{text}"
    whole = packet(f"<rdf:Description {TIFF} tiff:Make=\"tiff:Orientation='6'\">{inside}</rdf:Description>")
    if text == "&lt;":
        assert xmp.changed(whole, {(xmp.TIFF, "Orientation"): "1"}) == whole
    else:
        with pytest.raises(xmp.Broken):
            xmp.properties(whole)


@pytest.mark.parametrize(
    "broken",
    [
        packet(FORMS["attribute"] % 6)[:-135],
        packet(FORMS["element"] % 6, "utf-16-le").replace("</rdf:RDF>".encode("utf-16-le"), b""),
        packet("<rdf:Description tiff:Orientation='6'/>"),  # a prefix that stands for nothing
        packet(FORMS["attribute"] % 6).replace("\xe4".encode(), b"\xe4"),  # Latin-1
        packet(FORMS["attribute"] % 6).replace(b"adobe.com/tiff", b"adobe.org/tiff"),  # Pillow does not look at it
        packet("<!-- " + FORMS["element"] % 6 + " -->"),
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + packet(FORMS["attribute"] % 6, padding="")[57:-20],
    ],
)
def test_broken_xmp_that_names_an_orientation_is_left_out(small: np.ndarray, broken: bytes) -> None:
    source = Image.fromarray(small)
    source.info["xmp"] = broken
    with pytest.warns(ScodecWarning, match="XMP data are damaged"):
        assert photo.load(source).metadata.xmp == b""


@pytest.mark.parametrize("broken", [b"<x:xmpmeta/>", b"no XML at all", packet("<a>"), packet("")[:-40], b"\xff\0<"])
def test_other_broken_xmp_stays_as_it_is(small: np.ndarray, broken: bytes) -> None:
    source = Image.fromarray(small)
    source.info["xmp"] = broken
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert photo.load(source).metadata.xmp == broken


def test_deep_xmp_takes_little_time() -> None:
    deep = packet("<a>" * 50_000 + "</a>" * 50_000)
    assert xmp.changed(deep, {(xmp.TIFF, "Orientation"): "1"}) == deep


@pytest.fixture
def stale() -> Image.Exif:
    """EXIF of an Adobe RGB camera held sideways."""
    about = Image.Exif()
    about.update(
        {0x010F: "Maker", 0x0112: 6, 0x0100: 4000, 0x0101: 3000, 0x013E: (0.3, 0.3), 0x011A: 204.0, 0x011B: 98.0}
    )
    inside = {0xA001: 0xFFFF, 0xA002: 4000, 0xA003: 3000, 0x9102: 4.0, 0xA500: 2.2, 0x9214: (7, 8), 0xA214: (7, 8)}
    inside |= {0x9003: "2026:01:02 03:04:05", 0xA20E: 2000.0, 0xA20F: 1000.0}
    about[0x8769] = inside | {0xA005: {1: "R03", 2: b"0100", 0x1001: 4000, 0x1002: 3000}}
    return about


STALE_XMP = packet(
    f'<rdf:Description {TIFF} xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:ps="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" tiff:ImageWidth="4000" tiff:ImageLength="3000" e:ColorSpace="65535" '
    'e:PixelXDimension="4000" ps:ICCProfile="Adobe RGB (1998)" tiff:Make="Maker"><e:PixelYDimension>3000'
    "</e:PixelYDimension><tiff:BitsPerSample><rdf:Seq><rdf:li>16</rdf:li></rdf:Seq></tiff:BitsPerSample>"
    "<xmp:Thumbnails><rdf:Alt><rdf:li>/9j/</rdf:li></rdf:Alt></xmp:Thumbnails></rdf:Description>"
)


def test_sizes_and_colours_are_those_of_the_picture(small: np.ndarray, stale: Image.Exif) -> None:
    about = photo.load(as_jpeg(small, stale.tobytes().removeprefix(exif.MAGIC), STALE_XMP)).metadata
    found = tags(about)
    assert found == {0x010F: "Maker", 0x011A: 98.0, 0x011B: 204.0, 0x8769: found[0x8769]}
    assert found[0x8769] == {
        0xA001: 1, 0xA002: 97, 0xA003: 131, 0x9003: "2026:01:02 03:04:05", 0xA20E: 1000.0, 0xA20F: 2000.0,
        0xA005: {1: "R98", 2: b"0100"},
    }  # fmt: skip
    said = {name: value for (_, name), value in xmp.properties(about.xmp).items()}
    sizes = {key: said[key] for key in ("ImageWidth", "ImageLength", "PixelXDimension", "PixelYDimension")}
    assert list(sizes.values()) == ["97", "131", "97", "131"] and said["ColorSpace"] == "1" and said["Make"] == "Maker"
    assert not {"ICCProfile", "BitsPerSample", "Thumbnails"} & said.keys()


@pytest.mark.parametrize("scale", [1, 2])
def test_restored_pictures_tell_their_size(small: np.ndarray, stale: Image.Exif, scale: int) -> None:
    source = as_jpeg(small[:40, :48], stale.tobytes().removeprefix(exif.MAGIC), STALE_XMP)
    (image,) = scodec.restore(source, scale=scale, color=False)
    assert image.size == (40 * scale, 48 * scale)
    inside = image.getexif().get_ifd(0x8769)
    assert (inside[0xA002], inside[0xA003]) == image.size and (0xA20E in inside) == (scale == 1)
    said = xmp.properties(image.info["xmp"])
    assert (said[xmp.EXIF, "PixelXDimension"], said[xmp.TIFF, "ImageLength"]) == tuple(map(str, image.size))


def test_sound_exif_keeps_every_value(small: np.ndarray) -> None:
    about = Image.Exif()
    about.update({0x010E: b"\xfcber", 0x8298: "me", 0x9C9B: "XP".encode("utf-16-le"), 0xC4A5: b"PrintIM\0" + bytes(90)})
    about[0x8769] = {0x829A: 0.01, 0x9000: b"0232", 0x927C: bytes(range(200)), 0xA432: (24.0, 70.0, 0.0, 0.0)}
    about[0x8825] = {1: "N", 2: (60.0, 10.0, 5.5), 5: b"\0", 29: "2026:01:02"}
    image = Image.fromarray(small)
    image.info["exif"] = about.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tags(metadata.read(image))
    assert found == {0x010E: "\xfcber", **{tag: about[tag] for tag in about if tag != 0x010E}}


PLACE = (
    '<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:ps="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:dji="http://www.dji.com/drone-dji/1.0/" exif:GPSLatitude="60,10N" dji:GpsLongitude="24.9" '
    'ps:City="Helsinki" ps:Credit="me"><l:LocationShown xmlns:l="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag/>'
    "</l:LocationShown></rdf:Description>"
)


@pytest.fixture
def somewhere() -> metadata.Metadata:
    about = Image.Exif()
    about[0x010F], about[0x8825] = "Maker", {1: "N", 2: (60.0, 10.0, 5.0), 3: "E", 4: (24.0, 56.0, 0.0)}
    return metadata.Metadata(about.tobytes().removeprefix(exif.MAGIC), packet(PLACE))


@pytest.mark.parametrize("strip", ["location", "gps"])
def test_location_alone_is_stripped(small: np.ndarray, somewhere: metadata.Metadata, strip: str) -> None:
    source = photo.Photo(small, False, metadata=somewhere)
    kept = metadata.from_boxes(container.parse(scodec.encode(source, strip=strip)).boxes)
    assert tags(kept) == {0x010F: "Maker"} and b"60,10N" not in kept.xmp and b"Helsinki" not in kept.xmp
    said = {name for _, name in xmp.properties(kept.xmp)}
    assert "Credit" in said and not {"GPSLatitude", "GpsLongitude", "City", "LocationShown"} & said
    assert metadata.located(somewhere) and not metadata.located(kept)
    for option, wanted in ((False, somewhere), (True, metadata.NOTHING)):
        assert metadata.from_boxes(container.parse(scodec.encode(source, strip=option)).boxes) == wanted


@pytest.mark.parametrize("part", ["exif", "xmp"])
def test_a_location_is_found_in_either(somewhere: metadata.Metadata, part: str) -> None:
    assert metadata.located(metadata.Metadata(**{part: getattr(somewhere, part)}))
    assert not metadata.located(metadata.NOTHING)


def test_broken_xmp_with_a_location_is_stripped_whole(somewhere: metadata.Metadata) -> None:
    broken = metadata.Metadata(xmp=somewhere.xmp[:-160])
    assert metadata.located(broken) and metadata.stripped(broken, "location") == metadata.NOTHING
    harmless = metadata.Metadata(xmp=packet("<a>"))
    assert metadata.stripped(harmless, "location") == harmless


def test_metadata_go_in_a_stated_order() -> None:
    noise = random.Random(0)
    about = Image.Exif()
    about[0x010F], about[0xC4A5] = "Maker", noise.randbytes(400)
    about[0x8769] = {
        0x927C: noise.randbytes(20_000),
        0x9286: b"ASCII\0\0\0a day at the sea",
        0xA302: noise.randbytes(900),
    }
    whole = metadata.Metadata(about.tobytes().removeprefix(exif.MAGIC), packet(PLACE))
    order = ["MakerNote", "CFAPattern", exif.name(0xC4A5), "XMP", "all EXIF"]
    seen = [[]]
    for most in range(metadata.stored(whole), -1, -25):
        slim, dropped = metadata.slimmed(whole, most)
        assert metadata.stored(slim) <= most and dropped == order[: len(dropped)]
        assert (slim.xmp == b"") == ("XMP" in dropped) and (slim.exif == b"") == ("all EXIF" in dropped)
        if slim.exif:
            found = tags(slim)
            assert found[0x010F] == "Maker" and (0x9286 in found[0x8769])
            assert (0x927C in found[0x8769]) == ("MakerNote" not in dropped)
        seen += [dropped] if dropped != seen[-1] else []
    assert seen == [order[:count] for count in range(6)]


def test_metadata_that_fit_stay_as_they_are(somewhere: metadata.Metadata) -> None:
    assert metadata.slimmed(somewhere, metadata.stored(somewhere)) == (somewhere, [])
    without = len(container.pack(container.Stream(container.Header(8, 8, 1, 30, "vvc"), b"x")))
    stream = container.Stream(container.Header(8, 8, 1, 30, "vvc"), b"x", boxes=metadata.boxes(somewhere))
    assert len(container.pack(stream)) - without == metadata.stored(somewhere)


def test_of_repeated_boxes_one_is_unpacked() -> None:
    (box,) = metadata.boxes(metadata.Metadata(b"II*\0" + bytes(99)))
    bomb = (b"EXIF", b"never looked at")
    assert metadata.from_boxes((bomb, bomb, box)) == metadata.Metadata(b"II*\0" + bytes(99))
    with pytest.raises(BadFile):
        metadata.from_boxes((box, bomb))


@pytest.mark.parametrize("text", ["<x:xmpmeta/>", packet("").decode(), packet(FORMS["element"] % 1).decode()])
def test_xmp_as_text(small: np.ndarray, tmp_path: Path, text: str) -> None:
    image = Image.fromarray(small)
    image.save(tmp_path / "a.scz", xmp=text)
    with Image.open(tmp_path / "a.scz") as saved:
        assert saved.info["xmp"] == text.encode()
    image.info["xmp"] = text
    assert photo.load(image).metadata.xmp == text.encode()
