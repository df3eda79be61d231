/** Resampling of planes (Float32Arrays, row by row), as the receiver's networks expect it. */

/**
 * What bicubic interpolation takes at each of `count` positions, which `position(index)` gives in samples: four
 * indices and four weights. Keys' kernel with a = -0.75; the border continues.
 */
export function bicubicTaps(count, position, size) {
  const index = new Int32Array(4 * count), weight = new Float32Array(4 * count);
  const a = -0.75;
  for (let at = 0; at < count; at++) {
    const where = position(at), first = Math.floor(where), x = where - first, rest = 1 - x;
    weight[4 * at] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    weight[4 * at + 1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    weight[4 * at + 2] = ((a + 2) * rest - (a + 3)) * rest * rest + 1;
    weight[4 * at + 3] = ((a * (2 - x) - 5 * a) * (2 - x) + 8 * a) * (2 - x) - 4 * a;
    for (let tap = 0; tap < 4; tap++) index[4 * at + tap] = Math.min(Math.max(first - 1 + tap, 0), size - 1);
  }
  return { count, index, weight };
}

/** One row of the bicubic interpolation of a plane with rows of `width` samples, written to `out`. */
export function bicubicRow(plane, width, rows, row, columns, out) {
  const mixed = new Float32Array(width);
  for (let tap = 4 * row; tap < 4 * row + 4; tap++) {
    const weight = rows.weight[tap];
    if (!weight) continue;
    const from = rows.index[tap] * width;
    for (let at = 0; at < width; at++) mixed[at] += weight * plane[from + at];
  }
  const { count, index, weight } = columns;
  for (let at = 0, tap = 0; at < count; at++, tap += 4) {
    out[at] =
      weight[tap] * mixed[index[tap]] + weight[tap + 1] * mixed[index[tap + 1]] +
      weight[tap + 2] * mixed[index[tap + 2]] + weight[tap + 3] * mixed[index[tap + 3]];
  }
}

/** The bicubic interpolation of a plane at all positions of `rows` and `columns`. */
export function bicubic(plane, width, rows, columns) {
  const out = new Float32Array(rows.count * columns.count);
  for (let row = 0; row < rows.count; row++) {
    bicubicRow(plane, width, rows, row, columns, out.subarray(row * columns.count, (row + 1) * columns.count));
  }
  return out;
}

/** A plane reduced by a triangle filter that widens with the reduction, as Pillow's BILINEAR. */
export function reduced(plane, height, width, rows, columns) {
  const across = triangleTaps(columns, width), down = triangleTaps(rows, height);
  const narrow = new Float32Array(height * columns);
  for (let row = 0; row < height; row++) {
    across.forEach(({ first, weights }, column) => {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * plane[row * width + first + tap];
      narrow[row * columns + column] = sum;
    });
  }
  const out = new Float32Array(rows * columns);
  down.forEach(({ first, weights }, row) => {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * narrow[(first + tap) * columns + column];
      out[row * columns + column] = sum;
    }
  });
  return out;
}

function triangleTaps(count, size) {
  const ratio = size / count, support = Math.max(ratio, 1);
  return Array.from({ length: count }, (_, at) => {
    const centre = (at + 0.5) * ratio;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), size);
    const weights = Float64Array.from({ length: end - first }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap - centre + 0.5) / support));
    const sum = weights.reduce((total, weight) => total + weight);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** The plane with its right and lower edges continued to `rows` x `columns`. */
export function padded(plane, height, width, rows, columns) {
  if (rows === height && columns === width) return plane;
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = Math.min(row, height - 1) * width, to = row * columns;
    out.set(plane.subarray(from, from + width), to);
    out.fill(plane[from + width - 1], to + width, to + columns);
  }
  return out;
}

/** The upper left `rows` x `columns` of a plane with rows of `width` samples. */
export function cropped(plane, width, rows, columns) {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    out.set(plane.subarray(row * width, row * width + columns), row * columns);
  }
  return out;
}

/** Means over squares of 2 radius + 1 samples; the border continues. */
export function boxMeans(plane, height, width, radius) {
  const along = (source, rows, columns, next, nextRow) => {
    const out = new Float32Array(source.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let offset = -radius; offset <= radius; offset++) {
          sum += source[row * nextRow + Math.min(Math.max(column + offset, 0), columns - 1) * next];
        }
        out[row * nextRow + column * next] = sum / (2 * radius + 1);
      }
    }
    return out;
  };
  return along(along(plane, width, height, width, 1), height, width, 1, width);
}
