/** The .scz container: a file taken apart and checked. docs/format.md describes every byte. */

import { Reader, crc32 } from "./bytes.js";
import { Refusal } from "./errors.js";

const MAGIC = [0xd3, 0x53, 0x5a];
const VERSION = 1;
const CODERS = ["av1", "vvc", "hyperprior"];
const GRAY = 1, HINTS = 2, BOXES = 4, CHROMA = 8, ALPHA = 16;
/** What the format allows. */
const LONGEST_SIDE = 65535, MOST_PIXELS = 178956970;

/**
 * The header's fields, `lumaWidth` and `lumaHeight` of the coded luma, and the sections `luma`, `hints` and `alpha`
 * (null where there is none). Throws a Refusal where this is no whole .scz file that we know.
 */
export function parse(bytes) {
  if (!bytes.length) throw new Refusal("The file is empty.");
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) throw new Refusal("This is not an .scz file.");
  const reader = new Reader(bytes.subarray(0, Math.max(bytes.length - 4, 0)));
  reader.take(MAGIC.length);
  const version = reader.byte(), flags = reader.byte();
  if (version !== VERSION || flags > (GRAY | HINTS | BOXES | CHROMA | ALPHA)) {
    throw new Refusal("A later version of scodec wrote this file: this page can't read it.");
  }
  const width = reader.varint(), height = reader.varint();
  const scaleAndCoder = reader.byte(), quantizer = reader.byte();
  const scale = (scaleAndCoder >> 4) + 1, coder = CODERS[scaleAndCoder & 15];
  if (!coder) throw new Refusal("The file's luma coder is unknown to this page.");
  if (Math.min(width, height) < 1 || Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS) {
    throw new Refusal(`The file declares ${width} × ${height} pixels: it is damaged, or too large to open safely.`);
  }
  if (scale > 4 || quantizer > 63 || (flags & CHROMA && (coder !== "vvc" || flags & (GRAY | HINTS)))) {
    throw new Refusal("The file's header holds impossible values: it is damaged, get it again.");
  }
  checkSum(bytes);
  const lengths = [true, flags & HINTS, flags & ALPHA].map((there) => (there ? reader.varint() : null));
  const [luma, hints, alpha] = lengths.map((length) => (length === null ? null : reader.take(length)));
  skipBoxes(reader, flags);
  const lumaWidth = Math.ceil(width / scale), lumaHeight = Math.ceil(height / scale);
  const gray = Boolean(flags & GRAY), chroma = Boolean(flags & CHROMA);
  return { width, height, scale, coder, quantizer, gray, chroma, lumaWidth, lumaHeight, luma, hints, alpha };
}

function checkSum(bytes) {
  const end = bytes.length - 4;
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (crc32(bytes.subarray(0, end)) !== stored) {
    throw new Refusal("The file is truncated or damaged (its checksum does not fit): get it again.");
  }
}

/** Metadata is not shown, but what is left must be boxes. */
function skipBoxes(reader, flags) {
  while (flags & BOXES && reader.at < reader.bytes.length) {
    reader.take(4);
    reader.take(reader.varint());
  }
  if (reader.at !== reader.bytes.length) {
    throw new Refusal("The file holds bytes that belong to nothing: it is damaged, get it again.");
  }
}
