/** Reading of bytes: LEB128 integers, a reader that never runs past the end, and CRC-32. */

import { Refusal } from "./errors.js";

/** Reads forward; refuses to read past the end. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (this.at + count > this.bytes.length) throw new Refusal("The file is truncated: get it again.");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  /** A LEB128 integer of at most five bytes (AV1 specification, 4.10.5); up to 2^35, so no bit operations. */
  varint() {
    let value = 0;
    for (let unit = 1; unit < 2 ** 35; unit *= 128) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    throw new Refusal("The file's header holds impossible values: it is damaged, get it again.");
  }
}

/** The bytes of a LEB128 integer. */
export function leb128(value) {
  const out = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return [...out, value];
}

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number;
});

/** CRC-32 (ISO 3309, as zlib's and PNG's) of some pieces, one after the other. */
export function crc32(...pieces) {
  let crc = 0xffffffff;
  for (const bytes of pieces) for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
