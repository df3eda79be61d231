/** The page: files in, what the decoder tells shown, pictures out. */

import { Decoder } from "./decoder.js";
import { describe } from "./facts.js";
import { View } from "./view.js";

const part = (id) => document.getElementById(id);
const view = new View(part("view"));
const decoder = new Decoder(hear);
/** The file that is open: its name, what is known of it, its pictures by look, and the one that is shown. */
let current = { name: "", facts: null, pictures: {}, shown: null };

const chosenLook = () => document.querySelector("input[name=look]:checked").value;

function open(file) {
  if (!file) return;
  current = { name: file.name || "picture.scz", facts: null, pictures: {}, shown: null };
  for (const id of ["result", "facts"]) part(id).hidden = true;
  working("Reading the file");
  decoder.open(file, chosenLook());
}

/** What the worker tells. */
function hear({ facts, plain, doing, done, rebuilt, saved, refused, failed }) {
  if (facts) {
    current.facts = facts;
    showFacts();
  }
  if (plain) {
    view.show("plain", plain);
    if (!current.shown) view.split = 100;
    part("result").hidden = false;
  }
  if (doing) working(doing, done);
  if (rebuilt) {
    if (!current.shown) view.split = 50;
    current.pictures[rebuilt.look] = rebuilt;
    showRebuilt(rebuilt);
  }
  if (saved) {
    download(saved);
    idle();
  }
  if (refused) refuse(refused);
  if (failed) {
    refuse(`This browser could not finish the work (${failed}): reload the page, or use the command scodec decode.`);
  }
}

function showRebuilt(picture) {
  current.shown = picture;
  view.show("rebuilt", picture);
  showFacts();
  idle();
}

function showFacts() {
  const rows = describe(current.name, current.facts, current.shown).map(([term, fact]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = term;
    dd.textContent = fact;
    return [dt, dd];
  });
  part("facts").replaceChildren(...rows.flat());
  part("facts").hidden = false;
}

/** Shows what is being done; done: how much of it, 0 to 1, where that is known. */
function working(words, done) {
  part("error").hidden = true;
  part("work").hidden = false;
  part("doing").textContent = words;
  if (done) part("done").value = done;
  else part("done").removeAttribute("value");
  part("looks").disabled = part("save").disabled = true;
}

function idle() {
  part("work").hidden = true;
  part("looks").disabled = part("save").disabled = false;
}

/** Says what went wrong. A picture that is shown already stays, and its look is chosen again. */
function refuse(sentence) {
  idle();
  if (current.shown) document.querySelector(`[name=look][value=${current.shown.look}]`).checked = true;
  else part("result").hidden = true;
  part("error").textContent = sentence;
  part("error").hidden = false;
}

function download(blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${current.name.replace(/\.scz$/i, "")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

part("file").addEventListener("change", ({ target }) => {
  open(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});
addEventListener("paste", ({ clipboardData }) => open(clipboardData.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  open(event.dataTransfer.files[0]);
});
part("looks").addEventListener("change", () => {
  const look = chosenLook();
  if (current.pictures[look]) {
    showRebuilt(current.pictures[look]);
  } else {
    working("Rebuilding the picture");
    decoder.rebuild(look);
  }
});
part("save").addEventListener("click", () => {
  working("Writing the PNG");
  decoder.save(current.shown);
});
