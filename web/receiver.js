/** The receiver: decoded luma and hints -> full-resolution RGB. The same steps as models/receiver/onnx.py. */

import { noise } from "./noise.js";
import { bicubic, bicubicRow, bicubicTaps, boxMeans, cropped, padded, reduced } from "./resample.js";
import { float32, int64 } from "./tensors.js";

/** Largest scale at which the natural look synthesizes texture. */
const TEXTURED = 2;
/** Side of the restorer's tiles in pixels, and what is computed around a tile and discarded, by look. */
const TILE = 768, OVERLAP = { faithful: 32, natural: 64 };
/** What heights and widths of the networks' inputs must be multiples of. */
const RESTORER_MULTIPLE = 8, COLORIZER_MULTIPLE = 32;
/** AV1's index in the restorer's condition. */
const AV1 = 0;
/** Chroma is carried as Cb, Cr / 64 inside the colorizer. */
const CHROMA_UNIT = 64;
/** Largest input of the colorizer, in luma pixels. */
const COLOUR_PIXELS = 320 * 480;
/** By how much the natural look strengthens guessed chroma. */
const STRONGER = 0.2;
/** Guided upsampling: window radius, and the variance of luma below which it has no effect. */
const GUIDE_RADIUS = 2, GUIDE_EPSILON = 1e-3;

/** The decoded luma enlarged to the whole picture, or to a part of it (0..1). */
export function enlarged({ y, lumaWidth, lumaHeight, scale, width, height }, part = whole(width, height)) {
  const margin = 4; // bicubic interpolation reads two samples beyond the edges
  const top = Math.max(Math.floor(part.top / scale) - margin, 0);
  const rows = Math.min(Math.ceil(part.bottom / scale) + margin, lumaHeight) - top;
  const window = Float32Array.from(y.subarray(top * lumaWidth, (top + rows) * lumaWidth), (sample) => sample / 255);
  const out = bicubic(
    window,
    lumaWidth,
    bicubicTaps(part.bottom - part.top, (row) => (part.top + row + 0.5) / scale - 0.5 - top, rows),
    bicubicTaps(part.right - part.left, (column) => (part.left + column + 0.5) / scale - 0.5, lumaWidth),
  );
  return out.map(clipped);
}

/** The network that restores a luma in a look. */
export function restorer({ scale }, look) {
  return look === "natural" && scale <= TEXTURED ? "natural" : "faithful";
}

/** Restored luma (0..1) of the whole picture. seed: of the texture's noise. progress: told the part that is done. */
export async function restore(networks, luma, look, seed, progress) {
  const { width, height } = luma;
  const graph = restorer(luma, look);
  const grains = graph === "natural" ? noise(seed, width * height) : null;
  const y = new Float32Array(width * height);
  const parts = tiles(width, height, OVERLAP[graph]);
  for (const [number, { tile, needed }] of parts.entries()) {
    progress(number / parts.length);
    const neededWidth = needed.right - needed.left, neededHeight = needed.bottom - needed.top;
    const rows = roundUp(neededHeight, RESTORER_MULTIPLE), columns = roundUp(neededWidth, RESTORER_MULTIPLE);
    const input = (plane) => float32(padded(plane, neededHeight, neededWidth, rows, columns), 1, 1, rows, columns);
    const output = await networks.run(graph, {
      y_up: input(enlarged(luma, needed)),
      noise: input(grains ? grain(grains, width, needed) : new Float32Array(neededWidth * neededHeight)),
      coder: int64(AV1),
      scale: int64(luma.scale),
      quantizer: int64(luma.quantizer),
    });
    for (let row = tile.top; row < tile.bottom; row++) {
      const from = (row - needed.top) * columns + tile.left - needed.left;
      const line = output.subarray(from, from + tile.right - tile.left);
      for (let column = 0; column < line.length; column++) y[row * width + tile.left + column] = clipped(line[column]);
    }
  }
  return y;
}

/** Restored luma and hints, null for guessed colours -> RGBA, opaque (Uint8ClampedArray, which rounds half to even). */
export async function colorize(networks, y, width, height, hints, look) {
  const reduction = Math.min(1, Math.sqrt(COLOUR_PIXELS / (height * width)));
  const rows = even(height * reduction), columns = even(width * reduction);
  const small = rows === height && columns === width ? y : reduced(y, height, width, rows, columns).map(clipped);
  const chromaRows = rows / 2, chromaColumns = columns / 2;
  const hintPlanes = hints
    ? enlargedHints(hints, reduction, chromaRows, chromaColumns)
    : [0, 1].map(() => new Float32Array(chromaRows * chromaColumns));

  const inputRows = roundUp(rows, COLORIZER_MULTIPLE), inputColumns = roundUp(columns, COLORIZER_MULTIPLE);
  const hintInput = new Float32Array((inputRows * inputColumns) / 2);
  hintPlanes.forEach((plane, number) => {
    const large = padded(plane, chromaRows, chromaColumns, inputRows / 2, inputColumns / 2);
    hintInput.set(large, number * large.length);
  });
  const output = await networks.run("colorizer", {
    y: float32(padded(small, rows, columns, inputRows, inputColumns), 1, 1, inputRows, inputColumns),
    hint: float32(hintInput, 1, 2, inputRows / 2, inputColumns / 2),
    numbers: float32(Float32Array.from(describe(hints, reduction)), 1, 3),
  });
  const stronger = hints || look === "faithful" ? 1 : 1 + STRONGER;
  const half = output.length / 2;
  const chroma = [output.subarray(0, half), output.subarray(half)].map((plane) =>
    cropped(plane, inputColumns / 2, chromaRows, chromaColumns).map((sample) => sample * stronger));
  return guided(y, width, height, chroma, halved(small, rows, columns), chromaRows, chromaColumns);
}

/** Grey luma (0..1) -> RGBA, opaque. */
export function gray(y) {
  const rgba = new Uint8ClampedArray(4 * y.length);
  for (let at = 0; at < y.length; at++) {
    const level = y[at] * 255;
    rgba[4 * at] = rgba[4 * at + 1] = rgba[4 * at + 2] = level;
    rgba[4 * at + 3] = 255;
  }
  return rgba;
}

/** The numbers on which the colorizer is conditioned: hints or not, their cells and steps. */
function describe(hints, reduction) {
  if (!hints) return [0, 0, 0];
  return [1, Math.log2(hints.cell * reduction) / 4 - 1, Math.log2(Math.max(hints.step, 1)) / 4];
}

/** The hints' grid enlarged to whole chroma samples of the colorizer's input; its border continues. */
function enlargedHints({ planes, rows, columns, cell }, reduction, chromaRows, chromaColumns) {
  const taps = (count, size) => {
    const large = roundHalfEven((size * cell * reduction) / 2);
    return bicubicTaps(count, (at) => ((Math.min(at, large - 1) + 0.5) * size) / large - 0.5, size);
  };
  const down = taps(chromaRows, rows), across = taps(chromaColumns, columns);
  return planes.map((plane) => bicubic(plane, columns, down, across).map((level) => level / CHROMA_UNIT));
}

/** Chroma at full size: its local slope over luma (the `a` of the guided filter, He et al. 2013) sharpens its edges. */
function guided(y, width, height, chroma, luma, rows, columns) {
  const mean = (plane) => boxMeans(plane, rows, columns, GUIDE_RADIUS);
  const times = (one, other) => one.map((sample, at) => sample * other[at]);
  const lumaMean = mean(luma), lumaSquares = mean(times(luma, luma));
  const slopes = chroma.map((plane) => {
    const chromaMean = mean(plane), products = mean(times(plane, luma));
    return products.map((product, at) =>
      (product - chromaMean[at] * lumaMean[at]) / (lumaSquares[at] - lumaMean[at] ** 2 + GUIDE_EPSILON));
  });
  const planes = [...chroma, ...slopes, luma], lines = planes.map(() => new Float32Array(width));
  const down = bicubicTaps(height, (row) => ((row + 0.5) / height) * rows - 0.5, rows);
  const across = bicubicTaps(width, (column) => ((column + 0.5) / width) * columns - 0.5, columns);
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let row = 0, at = 0; row < height; row++) {
    planes.forEach((plane, number) => bicubicRow(plane, columns, down, row, across, lines[number]));
    const [cbs, crs, cbSlopes, crSlopes, lumas] = lines;
    for (let column = 0; column < width; column++, at++) {
      const detail = y[at] - lumas[column], level = y[at] * 255;
      const cb = (cbs[column] + cbSlopes[column] * detail) * CHROMA_UNIT;
      const cr = (crs[column] + crSlopes[column] * detail) * CHROMA_UNIT;
      rgba[4 * at] = level + 1.402 * cr;
      rgba[4 * at + 1] = level - 0.344136 * cb - 0.714136 * cr;
      rgba[4 * at + 2] = level + 1.772 * cb;
      rgba[4 * at + 3] = 255;
    }
  }
  return rgba;
}

/** Means of squares of 2 x 2 samples. */
function halved(plane, rows, columns) {
  const out = new Float32Array((rows * columns) / 4);
  for (let row = 0, at = 0; row < rows; row += 2) {
    for (let from = row * columns; from < (row + 1) * columns; from += 2, at++) {
      out[at] = (plane[from] + plane[from + 1] + plane[from + columns] + plane[from + columns + 1]) / 4;
    }
  }
  return out;
}

const whole = (width, height) => ({ top: 0, left: 0, bottom: height, right: width });

/** Tiles that cover the picture, and the part of it that each needs. */
function tiles(width, height, overlap) {
  const found = [];
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const bottom = Math.min(top + TILE, height), right = Math.min(left + TILE, width);
      found.push({
        tile: { top, left, bottom, right },
        needed: {
          top: Math.max(top - overlap, 0),
          left: Math.max(left - overlap, 0),
          bottom: Math.min(bottom + overlap, height),
          right: Math.min(right + overlap, width),
        },
      });
    }
  }
  return found;
}

/** A part of the noise, -1..1. */
function grain(grains, width, { top, left, bottom, right }) {
  const out = new Float32Array((bottom - top) * (right - left));
  for (let row = top, at = 0; row < bottom; row++) {
    for (let column = left; column < right; column++, at++) out[at] = grains[row * width + column] / 128;
  }
  return out;
}

const clipped = (value) => Math.min(Math.max(value, 0), 1);
const roundUp = (value, multiple) => Math.ceil(value / multiple) * multiple;
const even = (value) => Math.max(2, roundHalfEven(value / 2) * 2);

/** As Python rounds. */
function roundHalfEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
