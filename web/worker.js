/**
 * The heavy work, beside the page. Messages in: { open, look } (the bytes of a file, and the look to rebuild it in) and
 * { save } (a picture). Out: { facts }, { plain }, { doing, done }, { rebuilt }, { saved }, { refused } (why a file can't
 * be decoded, in a sentence) and { failed } (whatever else went wrong: the page then starts a new worker).
 */

import { checkBrowser, decodeLuma } from "./av1.js";
import { crc32 } from "./bytes.js";
import { parse } from "./container.js";
import { Refusal } from "./errors.js";
import { decodeHints } from "./hints.js";
import { png } from "./png.js";
import { colorize, enlarged, gray, restore, restorer } from "./receiver.js";
import { Networks } from "./session.js";

/** Opacity nearer than this to none or to all is taken for it: coding blurred it. */
const ALPHA_SNAP = 8;
/** Larger pictures need more memory than browsers give to pages. */
const MOST_PIXELS = 50_000_000;

const networks = new Networks((doing) => postMessage({ doing }));

self.onmessage = async ({ data: { open, look, save } }) => {
  try {
    if (open) await rebuild(await read(new Uint8Array(open)), look);
    if (save) postMessage({ saved: await png(save.rgba, save.width, save.height) });
  } catch (error) {
    if (error instanceof Refusal) postMessage({ refused: error.message });
    else postMessage({ failed: String(error?.message ?? error) });
  }
};

/** A file with its sections decoded. */
async function read(bytes) {
  const { luma, hints, alpha, ...header } = parse(bytes);
  const { width, height, lumaWidth, lumaHeight } = header;
  postMessage({ facts: { ...header, bytes: bytes.length, hinted: Boolean(hints), transparent: Boolean(alpha) } });
  refuseWhatBrowsersCanNot(header);
  await checkBrowser();
  const start = performance.now();
  const file = {
    ...header,
    y: await decodeLuma(luma, lumaWidth, lumaHeight),
    hints: hints && decodeHints(hints, width, height),
    alpha: alpha && (await decodeLuma(alpha, width, height)).map(snapped),
    seed: crc32(luma), // the same file gives the same picture
  };
  file.reading = performance.now() - start;
  send("plain", file, gray(enlarged(file)));
  return file;
}

function refuseWhatBrowsersCanNot({ coder, width, height }) {
  const instead = "decode it with the command scodec decode, or have it encoded with scodec encode --luma av1.";
  const reasons = {
    vvc: "is coded in VVC, which browsers can't decode",
    hyperprior: "is coded by a learned coder, which this page does not have",
  };
  if (reasons[coder]) throw new Refusal(`The luma of this file ${reasons[coder]}: ${instead}`);
  if (width * height > MOST_PIXELS) {
    throw new Refusal(`${width} × ${height} pixels are too many for a page: use the command scodec decode.`);
  }
}

async function rebuild(file, look) {
  const needed = [restorer(file, look), ...(file.gray ? [] : ["colorizer"])];
  for (const name of needed) await networks.load(name);
  const start = performance.now();
  const progress = (done) => postMessage({ doing: "Restoring the picture", done });
  const y = await restore(networks, file, look, file.seed, progress);
  const restored = performance.now();
  if (!file.gray) postMessage({ doing: "Colouring the picture", done: 1 });
  const rgba = file.gray ? gray(y) : await colorize(networks, y, file.width, file.height, file.hints, look);
  const end = performance.now();
  const times = { luma: file.reading, restorer: restored - start, colours: end - restored };
  send("rebuilt", file, rgba, { look, times, runsOn: networks.runsOn(needed) });
}

/** Sends a picture with its file's transparency; its memory goes along. */
function send(kind, { alpha, width, height }, rgba, about = {}) {
  if (alpha) alpha.forEach((opacity, at) => (rgba[4 * at + 3] = opacity));
  postMessage({ [kind]: { rgba, width, height, ...about } }, [rgba.buffer]);
}

const snapped = (opacity) => (opacity < ALPHA_SNAP ? 0 : opacity > 255 - ALPHA_SNAP ? 255 : opacity);
