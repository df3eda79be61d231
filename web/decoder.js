/** The worker as the page sees it: replaced when it is busy with what nobody waits for any more, or has failed. */

/** Larger files are not read. */
const MOST_BYTES = 1 << 28;

export class Decoder {
  /** tell: called with each message of the worker, and with { failed } where it broke. */
  constructor(tell) {
    this.tell = tell;
    this.start();
  }

  /** Opens a file (a Blob) and rebuilds it; drops what is under way. */
  async open(blob, look) {
    if (this.busy) this.restart();
    if (blob.size > MOST_BYTES) {
      this.hear({ refused: "This file is too large to be an .scz file that this page can open." });
      return;
    }
    this.busy = true;
    const worker = this.worker;
    const file = await blob.arrayBuffer().catch(() => null);
    if (worker !== this.worker) return;
    this.file = file;
    if (file) this.rebuild(look);
    else this.hear({ refused: "The file can't be read." });
  }

  /** Rebuilds the open file in a look. The worker gets the file each time: it may have taken the place of another. */
  rebuild(look) {
    this.busy = true;
    this.worker.postMessage({ open: this.file, look });
  }

  /** Makes a PNG of a picture. */
  save(picture) {
    this.busy = true;
    this.worker.postMessage({ save: picture });
  }

  restart() {
    this.worker.terminate();
    this.start();
  }

  start() {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    const hear = (message) => worker === this.worker && this.hear(message); // one that was replaced may still be heard
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = ({ message }) => hear({ failed: message ?? "the worker did not start" });
    this.worker = worker;
    this.busy = false;
  }

  hear(message) {
    if (message.failed) this.restart();
    this.busy &&= !(message.rebuilt || message.saved || message.refused);
    this.tell(message);
  }
}
