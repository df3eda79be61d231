/** The worker as the page sees it: replaced when it is busy with what nobody waits for any more, or has failed. */

export class Decoder {
  /** tell: called with each message of the worker, and with { failed } where it broke. */
  constructor(tell) {
    this.tell = tell;
    this.busy = false;
    this.start();
  }

  /** Opens a file (a Blob) and rebuilds it; drops what is under way. */
  async open(blob, look) {
    if (this.busy) this.restart();
    this.busy = true;
    const worker = this.worker;
    const open = await blob.arrayBuffer().catch(() => null);
    if (!open) this.hear({ refused: "The file can't be read." });
    else if (worker === this.worker) worker.postMessage({ open, look }, [open]);
  }

  /** Rebuilds the open file in another look. */
  rebuild(look) {
    this.busy = true;
    this.worker.postMessage({ look });
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
  }

  hear(message) {
    if (message.failed) this.restart();
    this.busy &&= !(message.rebuilt || message.saved || message.refused || message.failed);
    this.tell(message);
  }
}
