/** Adaptive binary range decoder in integer arithmetic; docs/hints.md, "Range coder". */

const ONE = 1 << 16;
const TOP = 1 << 24;

/** Bytes to bits; any bytes decode to something. */
export class RangeDecoder {
  /** initial: probabilities of a zero bit in 1/256, one for each context. */
  constructor(bytes, initial) {
    this.quick = Int32Array.from(initial, (value) => value << 8);
    this.slow = Int32Array.from(this.quick);
    this.bytes = bytes;
    this.at = 0;
    this.code = 0;
    for (let count = 0; count < 4; count++) this.code = this.code * 256 + this.next();
    this.range = 0xffffffff;
  }

  /** A bit in a context. */
  bit(context) {
    const { quick, slow } = this;
    const probability = Math.min(Math.max((quick[context] + slow[context]) >> 5, 16), 4080);
    const bound = (this.range >>> 12) * probability;
    const bit = this.code >= bound ? 1 : 0;
    const goal = bit ? 0 : ONE;
    quick[context] += (goal - quick[context]) >> 5;
    slow[context] += (goal - slow[context]) >> 7;
    if (bit) this.code -= bound;
    this.range = bit ? this.range - bound : bound;
    this.renormalize();
    return bit;
  }

  /** A bit that is 0 or 1 with the same probability. */
  raw() {
    this.range >>>= 1;
    const bit = this.code >= this.range ? 1 : 0;
    if (bit) this.code -= this.range;
    this.renormalize();
    return bit;
  }

  renormalize() {
    while (this.range < TOP) {
      this.code = ((this.code << 8) | this.next()) >>> 0;
      this.range *= 256;
    }
  }

  /** Past the end come zeros. */
  next() {
    return this.at < this.bytes.length ? this.bytes[this.at++] : 0;
  }
}
