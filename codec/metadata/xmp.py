"""XMP packets: what they say, and single values of them changed while every other byte stays.

A parser finds the properties, so that attributes and elements, any prefix and UTF-16 count alike; the text is then
changed in place. Writing the packet anew from a tree (ElementTree, lxml) would lose its wrapper, padding and prefixes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.parsers import expat

TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
EXIF_EX = "http://cipa.jp/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
XMP = "http://ns.adobe.com/xap/1.0/"

#: A property's namespace and its name in there.
Name = tuple[str, str]

_TAG = re.compile(rb"<(?:\"[^\"]*\"|'[^']*'|[^>\"'])*>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_SEPARATOR = "\n"  # of the parser's names: no namespace contains one
_AROUND = "\ufeff\0 \t\r\n"  # what may stand before and after the XML; zeros are padding of careless writers


class Broken(ValueError):
    """The packet is not well-formed XML, or is XML with a DTD, which XMP has no use for."""


@dataclass(frozen=True)
class _Property:
    """An attribute or an element: where it stands in the text, and the value in it (empty for structures)."""

    name: Name
    start: int
    end: int
    value_start: int
    value_end: int
    value: str | None


def properties(packet: bytes) -> dict[Name, str]:
    """All properties with their values, "" for lists and structures; the first of each name counts. Raises Broken."""
    found: dict[Name, str] = {}
    for each in _found(_taken_apart(packet)[1].encode()):
        found.setdefault(each.name, each.value or "")
    return found


def changed(packet: bytes, changes: Mapping[Name, str | None]) -> bytes:
    """The packet with other values, or without the properties whose value is None; none is added.

    Lists and structures are left out whatever their new value. Raises Broken.
    """
    encoding, text, before, after = _taken_apart(packet)
    data, at, parts = text.encode(), 0, []
    for each in sorted(_found(data), key=lambda each: each.start):
        if each.name not in changes or each.start < at:  # the latter went with what it stands in
            continue
        value = changes[each.name]
        start, end = (
            (each.start, each.end) if value is None or each.value is None else (each.value_start, each.value_end)
        )
        parts += [data[at:start], b"" if value is None or each.value is None else value.encode()]
        at = end
    changed_text = b"".join([*parts, data[at:]]).decode()
    return (before + changed_text + after).encode(encoding)


def _taken_apart(packet: bytes) -> tuple[str, str, str, str]:
    """Encoding, XML, and what stands before and after it."""
    head = packet[:4]
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) or head.count(0) == 3:
        encoding = "utf-32-be" if head[0] == 0 else "utf-32-le"
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2].count(0) == 1:
        encoding = "utf-16-be" if head[0] in (0, 0xFE) else "utf-16-le"
    else:
        encoding = "utf-8"
    try:
        text = packet.decode(encoding)
    except UnicodeDecodeError as error:
        raise Broken(str(error)) from None
    xml = text.strip(_AROUND)
    before, _, after = text.partition(xml) if xml else (text, "", "")
    return encoding, xml, before, after


def _found(data: bytes) -> list[_Property]:
    """The properties of XML in UTF-8, whatever depth they stand at. Raises Broken."""
    found: list[_Property] = []
    opened: list[tuple[Name, bytes, int]] = []  # name, tag and position of the elements that contain the next one
    structures: set[int] = set()  # where elements stand that contain others
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.namespace_prefixes = True
    parser.ordered_attributes = True

    def start(name: str, attributes: list[str]) -> None:
        at = parser.CurrentByteIndex
        tag = _TAG.match(data, at)
        assert tag is not None  # the parser has just read it
        structures.update(position for *_, position in opened[-1:])
        opened.append((_name(name), tag[0], at))
        known = {_qualified(each): _name(each) for each in attributes[::2]}
        found.extend(_attributes(tag, known))

    def end(_name: str) -> None:
        name, tag, at = opened.pop()
        inside = at + len(tag)
        if tag.endswith(b"/>"):
            found.append(_Property(name, at, inside, inside, inside, None))
            return
        close = parser.CurrentByteIndex
        content = b"<" if at in structures else data[inside:close]
        value = None if b"<" in content else content.decode().strip()
        found.append(_Property(name, at, data.index(b">", close) + 1, inside, close, value))

    def refuse(*_: object) -> None:
        raise Broken("a DTD")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse  # entities could grow to any size
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Broken(str(error)) from None
    return found


def _attributes(tag: re.Match[bytes], known: Mapping[bytes, Name]) -> Iterator[_Property]:
    for each in _ATTRIBUTE.finditer(tag.string, *tag.span()):
        group = 3 if each[2] is None else 2
        if each[1] in known:  # xmlns declares, and is no property
            yield _Property(known[each[1]], *each.span(), *each.span(group), each[group].decode().strip())


def _name(expanded: str) -> Name:
    """Of the parser's namespace, name and prefix (if any) or, without a namespace, the name alone."""
    parts = expanded.split(_SEPARATOR)
    return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])


def _qualified(expanded: str) -> bytes:
    """The same as it stands in the text."""
    parts = expanded.split(_SEPARATOR)
    return (f"{parts[2]}:{parts[1]}" if len(parts) == 3 else parts[-1]).encode()
