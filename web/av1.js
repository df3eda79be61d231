/** Luma coder `av1`: the AVIF file around a section is rebuilt, and the browser's own decoder reads it. */

import { leb128 } from "./bytes.js";
import { Refusal } from "./errors.js";

const SEQUENCE_HEADER = 0x0a, FRAME = 0x32;
/** Largest side that AVIF decoders open. */
const LONGEST_SIDE = 32768;
/** Pixels are read from windows of this size: a canvas as large as the picture might not be had. */
const WINDOW = 1024;

/** A section decoded to luma (Uint8Array, row by row). Throws a Refusal where it is damaged or of another size. */
export async function decodeLuma(section, width, height) {
  const length = section[0] ?? 0;
  const header = section.subarray(1, 1 + length), frame = section.subarray(1 + length);
  const coded = codedSize(header);
  if (!frame.length || coded?.width !== width || coded?.height !== height || Math.max(width, height) > LONGEST_SIDE) {
    throw new Refusal("The luma data does not fit the header: the file is damaged, get it again.");
  }
  const y = await samples(avif(header, frame, width, height), width, height);
  if (!y) throw new Refusal("The luma data can't be decoded: the file is damaged, get it again.");
  return y;
}

/** The section of a flat grey picture. */
const FLAT = {
  header: Uint8Array.of(0x18, 0x15, 0x7f, 0xfd, 0x96, 0x02, 0x1a, 0x0d, 0x40),
  frame: Uint8Array.of(0x15, 0x00, 0x00, 0x01, 0x00, 0x05, 0x5c, 0x0d),
  side: 64,
  level: 120,
};

/** Throws a Refusal where the browser opens no AVIF, or alters the pixels that pages read (against tracking). */
export async function checkBrowser() {
  const { header, frame, side, level } = FLAT;
  const y = await samples(avif(header, frame, side, side), side, side);
  if (!y) throw new Refusal("This browser opens no AVIF pictures: use a newer one.");
  if (y.some((sample) => sample !== level)) {
    throw new Refusal("This browser alters the pixels that pages read: let this page read them, or use another.");
  }
}

/** Samples of an AVIF file without any conversion; null if the browser can't decode it to this size. */
async function samples(file, width, height) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    return null;
  }
  try {
    return bitmap.width === width && bitmap.height === height ? reds(bitmap) : null;
  } finally {
    bitmap.close();
  }
}

/** The red samples of a bitmap: of a grey picture red, green and blue are the luma. */
function reds(bitmap) {
  const y = new Uint8Array(bitmap.width * bitmap.height);
  const canvas = new OffscreenCanvas(Math.min(bitmap.width, WINDOW), Math.min(bitmap.height, WINDOW));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < bitmap.height; top += WINDOW) {
    for (let left = 0; left < bitmap.width; left += WINDOW) {
      const columns = Math.min(WINDOW, bitmap.width - left), rows = Math.min(WINDOW, bitmap.height - top);
      context.drawImage(bitmap, left, top, columns, rows, 0, 0, columns, rows);
      const { data } = context.getImageData(0, 0, columns, rows);
      for (let row = 0, from = 0; row < rows; row++) {
        const to = (top + row) * bitmap.width + left;
        for (let column = 0; column < columns; column++, from += 4) y[to + column] = data[from];
      }
    }
  }
  return y;
}

/**
 * Width and height in a reduced still-picture sequence header (AV1 specification, 5.5.1); null if it is not one.
 * Read before the decoder sees the data: damaged dimensions must not make it allocate.
 */
function codedSize(header) {
  let at = 0;
  const read = (count) => {
    let value = 0;
    for (; count; count--, at++) value = value * 2 + ((header[at >> 3] >> (7 - (at & 7))) & 1);
    return value;
  };
  const [profile, still, reduced] = [read(3), read(1), read(1)];
  read(5); // level
  const widthBits = read(4) + 1, heightBits = read(4) + 1;
  const size = { width: read(widthBits) + 1, height: read(heightBits) + 1 };
  return profile === 0 && still && reduced && at <= header.length * 8 ? size : null;
}

/** The smallest AVIF file (ISO/IEC 23000-22, one monochrome item) around the two open bitstream units, as a Blob. */
function avif(header, frame, width, height) {
  const payload = [
    Uint8Array.of(SEQUENCE_HEADER, ...leb128(header.length)), header,
    Uint8Array.of(FRAME, ...leb128(frame.length)), frame,
  ];
  const size = payload.reduce((sum, part) => sum + part.length, 0);
  const level = (((header[0] << 8) | header[1]) >> 6) & 31;
  const properties = box("ipco",
    fullBox("ispe", u32(width), u32(height)),
    fullBox("pixi", [1, 8]),
    box("av1C", [0x81, level, 0x1c, 0]), // profile 0, 8 bit, monochrome
    box("colr", text("nclx"), u16(1), u16(13), u16(6), [0x80]), // sRGB, BT.601, full range
  );
  const associations = fullBox("ipma", u32(1), u16(1), [4, 1, 2, 0x83, 4]);
  const boxes = (offset) => [
    ...box("ftyp", text("avif"), u32(0), text("avifmif1miaf")),
    ...fullBox("meta",
      fullBox("hdlr", u32(0), text("pict"), new Array(13).fill(0)),
      fullBox("pitm", u16(1)),
      fullBox("iloc", [0x44, 0], u16(1), u16(1), u16(0), u16(1), u32(offset), u32(size)),
      fullBox("iinf", u16(1), box("infe", [2, 0, 0, 0], u16(1), u16(0), text("av01"), [0])),
      box("iprp", properties, associations),
    ),
    ...u32(size + 8), ...text("mdat"),
  ];
  const start = boxes(boxes(0).length);
  return new Blob([Uint8Array.from(start), ...payload], { type: "image/avif" });
}

const u16 = (value) => [value >> 8, value & 255];
const u32 = (value) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const text = (letters) => Array.from(letters, (letter) => letter.charCodeAt(0));

function box(kind, ...content) {
  const body = content.flat();
  return [...u32(body.length + 8), ...text(kind), ...body];
}

/** A box with version and flags, all zero. */
const fullBox = (kind, ...content) => box(kind, u32(0), ...content);
