/** Colour hints: a range-coded Haar pyramid of mean chroma; docs/hints.md has every bit. */

import { Refusal } from "./errors.js";
import { RangeDecoder } from "./range_coder.js";

const MOST_CELLS = 1 << 16;
/** Contexts of the magnitude flags start here; before them are the zero flags. */
const MAGNITUDE = 18;
/** Initial probability of a zero bit in 1/256, by context. */
const INITIAL = [
  253, 240, 225, 197, 161, 96, // zero flag, first plane
  253, 248, 244, 227, 203, 171, // second plane where the first is zero
  244, 216, 204, 163, 124, 77, // second plane where it is not
  206, 217, 227, 219, 190, 114, // magnitude above 1
  67, 95, 146, 150, 159, 72, // above 2, 3, ...
];
/** Sum of magnitudes around -> activity. */
const ACTIVITY = [0, 1, 2, 3, 3, 4, 4, 4, 4, 5];

/**
 * Hints of a width x height picture: `planes` (Cb and Cr, Float32Arrays of `rows` x `columns` cells), `cell` (side in
 * pixels) and `step` (of the quantizer).
 */
export function decodeHints(bytes, width, height) {
  if (bytes.length < 2) throw new Refusal("The colour hints are truncated: get the file again.");
  const k = bytes[0] >> 5, angle = bytes[1] & 15;
  if (k > 6 || bytes[1] >> 4) {
    throw new Refusal("The file's colour hints were written by a later version of scodec: this page can't read them.");
  }
  const cell = 8 << k, step = 4 * 2 ** ((bytes[0] & 31) / 3);
  const rows = Math.ceil(height / cell), columns = Math.ceil(width / cell);
  if (rows * columns > MOST_CELLS) {
    throw new Refusal("The colour hints are impossibly large: the file is damaged, get it again.");
  }
  const levels = sizes(rows, columns);
  const { tops, bands } = read(new RangeDecoder(bytes.subarray(2), INITIAL), levels);
  const turned = tops.map((top, plane) => synthesize(top, bands.map((band) => band[plane]), levels, step));
  return { planes: unrotate(turned, angle), rows, columns, cell, step };
}

/** Sizes of the pyramid's levels, from the single mean to the grid. */
function sizes(rows, columns) {
  const found = [{ rows, columns }];
  while (rows * columns > 1) {
    [rows, columns] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
    found.unshift({ rows, columns });
  }
  return found;
}

/** The quantized pyramid: a top value for each plane, and for each level bands[level][plane][X, Y, Z]. */
function read(decoder, levels) {
  const tops = [0, 1].map(() => (decoder.raw() ? -1 : 1) * (golomb(decoder) - 1));
  const bands = [];
  for (const { rows, columns } of levels.slice(0, -1)) {
    const parents = bands.at(-1);
    const parentColumns = Math.ceil(columns / 2);
    const band = [0, 1].map(() => [0, 1, 2].map(() => new Int32Array(rows * columns)));
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = i * columns + j;
        for (let plane = 0; plane < 2; plane++) {
          let inner = 0; // magnitudes of the preceding bands at this place
          for (let b = 0; b < 3; b++) {
            const here = band[plane][b];
            const left = j ? Math.abs(here[at - 1]) : 0;
            const above = i ? Math.abs(here[at - columns]) : 0;
            const corner = i && j ? Math.abs(here[at - columns - 1]) : 0;
            const parent = parents ? Math.abs(parents[plane][b][(i >> 1) * parentColumns + (j >> 1)]) : 0;
            const total = 2 * (left + above + parent) + corner + inner;
            const other = plane ? (band[0][b][at] ? 2 : 1) : 0;
            here[at] = coefficient(decoder, ACTIVITY[Math.min(total, 9)], other);
            inner += Math.abs(here[at]);
          }
        }
      }
    }
    bands.push(band);
  }
  return { tops, bands };
}

function coefficient(decoder, activity, other) {
  if (!decoder.bit(activity + 6 * other)) return 0;
  const sign = decoder.raw() ? -1 : 1;
  for (let size = 1; size < 15; size++) {
    if (!decoder.bit(MAGNITUDE + activity + (size > 1 ? 6 : 0))) return sign * size;
  }
  return sign * (14 + golomb(decoder));
}

/** Exponential Golomb code of 1 and up. */
function golomb(decoder) {
  let length = 0;
  while (decoder.raw()) {
    if (++length > 14) throw new Refusal("The colour hints are damaged: get the file again.");
  }
  let value = 1;
  while (length--) value = value * 2 + decoder.raw();
  return value;
}

/** A plane of the grid from its quantized pyramid. */
function synthesize(top, bands, levels, step) {
  let plane = Float64Array.of(top * step);
  bands.forEach(([x, y, z], level) => {
    const coarse = levels[level], { rows, columns } = levels[level + 1];
    const fine = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = (i >> 1) * coarse.columns + (j >> 1);
        const across = j & 1 ? -1 : 1, down = i & 1 ? -1 : 1;
        const details = across * x[at] + down * y[at] + across * down * z[at];
        fine[i * columns + j] = (plane[at] + details * step) / 2;
      }
    }
    plane = fine;
  });
  return plane;
}

/** The rotated and scaled planes back to Cb and Cr. */
function unrotate([first, second], angle) {
  // E of docs/hints.md: the upper triangular matrix with E'E = M'M, M the chroma columns of the JFIF matrix
  const a = Math.hypot(0.344136, 1.772), b = (0.344136 * 0.714136) / a;
  const c = Math.sqrt(1.402 ** 2 + 0.714136 ** 2 - b * b);
  const cos = Math.cos((Math.PI * angle) / 16), sin = Math.sin((Math.PI * angle) / 16);
  const cb = new Float32Array(first.length), cr = new Float32Array(first.length);
  for (let at = 0; at < first.length; at++) {
    const v = (sin * first[at] + cos * second[at]) / c;
    const u = (cos * first[at] - sin * second[at] - b * v) / a;
    cb[at] = Math.min(Math.max(u, -128), 128);
    cr[at] = Math.min(Math.max(v, -128), 128);
  }
  return [cb, cr];
}
