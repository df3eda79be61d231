/** Noise from which the texture of a picture is synthesized: NumPy's PCG64 bit generator, seeded as NumPy seeds it. */

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** Raw output of PCG64 for a seed of 32 bits: `count` signed bytes, eight of each word, lowest first. */
export function noise(seed, count) {
  const words = new BigUint64Array(Math.ceil(count / 8));
  const [stateHigh, stateLow, streamHigh, streamLow] = seedWords(seed);
  const increment = BigInt.asUintN(128, (((streamHigh << 64n) | streamLow) << 1n) | 1n);
  const step = (state) => BigInt.asUintN(128, state * MULTIPLIER + increment);
  let state = step(increment + ((stateHigh << 64n) | stateLow));
  for (let at = 0; at < words.length; at++) {
    state = step(state);
    // "XSL-RR": the halves XORed, then rotated right by the top six bits
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state), turn = state >> 122n;
    words[at] = (folded >> turn) | (folded << (64n - turn)); // storing keeps the low 64 bits
  }
  return new Int8Array(words.buffer, 0, count);
}

/** Four words of 64 bits out of a seed: NumPy's SeedSequence with a pool of four words of 32 bits. */
function seedWords(seed) {
  let constant = 0x43b0d7e5;
  const hash = (value, multiplier) => {
    value ^= constant;
    constant = Math.imul(constant, multiplier);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return value ^ (value >>> 16);
  };
  const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from !== to) pool[to] = mix(pool[to], hash(pool[from], 0x931e8875));
    }
  }
  constant = 0x8b51f9dd;
  const halves = [...pool, ...pool].map((word) => BigInt(hash(word, 0x58f38ded) >>> 0));
  return [0, 2, 4, 6].map((at) => halves[at] | (halves[at + 1] << 32n));
}
