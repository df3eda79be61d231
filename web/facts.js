/** What the page tells of a file, in words. */

const CODERS = { av1: "AV1", vvc: "VVC", hyperprior: "learned" };

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

/** Terms and facts. header: see `parse`, with the file's size; picture: once it is rebuilt, with its times. */
export function describe(name, header, picture) {
  const { width, height, bytes, coder, scale, quantizer } = header;
  const size = scale > 1 ? `at 1/${scale} of the size` : "at full size";
  const rows = [
    ["File", name],
    ["Size", `${bytes.toLocaleString("en")} bytes, ${((8 * bytes) / (width * height)).toFixed(3)} bits per pixel`],
    ["Picture", `${width} × ${height} pixels${header.transparent ? ", with transparency" : ""}`],
    ["Luma", `${CODERS[coder]}, ${size}, quantizer ${quantizer}`],
    ["Colours", colours(header)],
  ];
  if (!picture) return rows;
  const { luma, restorer, colours: colouring } = picture.times;
  const total = luma + restorer + colouring;
  const steps = `luma ${seconds(luma)}, restorer ${seconds(restorer)}, colours ${seconds(colouring)}`;
  return [...rows, ["Time", `${seconds(total)}: ${steps}; ${picture.runsOn}`]];
}

function colours({ gray, hinted, chroma }) {
  if (gray) return "none: the picture is grey";
  if (chroma) return "coded together with the luma";
  return hinted ? "guessed, guided by hints in the file" : "guessed";
}
