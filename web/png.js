/** Writing of PNG: a canvas would blend transparent pixels and round their colours. */

import { crc32 } from "./bytes.js";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/** The PNG (a Blob) of RGBA samples; without the channels that say nothing. */
export async function png(rgba, width, height) {
  const channels = needed(rgba);
  const kind = [0, 0, 4, 2, 6][channels.length];
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8); // bits
  head.setUint8(9, kind);
  const data = await deflated(filtered(rgba, width, height, channels));
  const parts = [chunk("IHDR", new Uint8Array(head.buffer)), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))];
  return new Blob([SIGNATURE, ...parts.flat()], { type: "image/png" });
}

/** Offsets of the channels that are to be written: grey or RGB, with alpha or without. */
function needed(rgba) {
  let coloured = false, clear = false;
  for (let at = 0; at < rgba.length; at += 4) {
    coloured ||= rgba[at] !== rgba[at + 1] || rgba[at] !== rgba[at + 2];
    clear ||= rgba[at + 3] !== 255;
  }
  return [...(coloured ? [0, 1, 2] : [0]), ...(clear ? [3] : [])];
}

/** Rows with filter 1 or 2 (difference to the left or above), whichever leaves less. */
function filtered(rgba, width, height, channels) {
  const count = channels.length, stride = width * count;
  const out = new Uint8Array((stride + 1) * height);
  let above = new Uint8Array(stride);
  for (let row = 0; row < height; row++) {
    const line = new Uint8Array(stride);
    for (let column = 0, at = 0; column < width; column++) {
      for (const channel of channels) line[at++] = rgba[4 * (row * width + column) + channel];
    }
    const toLeft = line.map((sample, at) => sample - (at < count ? 0 : line[at - count]));
    const toAbove = line.map((sample, at) => sample - above[at]);
    const best = cost(toAbove) < cost(toLeft) ? 2 : 1;
    out[row * (stride + 1)] = best;
    out.set(best === 2 ? toAbove : toLeft, row * (stride + 1) + 1);
    above = line;
  }
  return out;
}

const cost = (line) => line.reduce((sum, difference) => sum + Math.min(difference, 256 - difference), 0);

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(kind, content) {
  const name = Uint8Array.from(kind, (letter) => letter.charCodeAt(0));
  return [u32(content.length), name, content, u32(crc32(name, content))];
}

const u32 = (value) => Uint8Array.of(value >>> 24, value >> 16, value >> 8, value);
