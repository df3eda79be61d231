/** Small inputs of each network, on which a GPU must agree with the processor before it is trusted with pictures. */

import { float32, int64 } from "./tensors.js";

/** Largest difference between both, in units of the output: a tenth of a grey level. */
export const TOLERANCE = 0.1 / 255;

const SIDE = 64;

function waves(...dims) {
  const count = dims.reduce((product, side) => product * side);
  return float32(Float32Array.from({ length: count }, (_, at) => 0.5 + 0.5 * Math.sin(at + at / SIDE)), ...dims);
}

const restorer = () => ({
  y_up: waves(1, 1, SIDE, SIDE),
  noise: waves(1, 1, SIDE, SIDE),
  coder: int64(0),
  scale: int64(2),
  quantizer: int64(40),
});

const colorizer = () => ({
  y: waves(1, 1, SIDE, SIDE),
  hint: waves(1, 2, SIDE / 2, SIDE / 2),
  numbers: float32(Float32Array.of(1, 0, 1, 1), 1, 4),
});

export const probes = { faithful: restorer, natural: restorer, colorizer };
