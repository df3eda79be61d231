/** The networks, run by ONNX Runtime Web: on the GPU where that computes the same, else as WebAssembly. */

import { TOLERANCE, probes } from "./probe.js";

const HERE = new URL(".", import.meta.url);
/** Each thread is a worker of its own, which takes time to start and memory. */
const MOST_THREADS = 8;

/** Networks that are fetched when they are first needed. */
export class Networks {
  /** loading: told in words what is being loaded. */
  constructor(loading) {
    this.loading = loading;
    this.sessions = new Map();
  }

  /** Fetches a network, by the name of its file, unless it is there. */
  async load(name) {
    if (this.sessions.has(name)) return;
    this.loading(`Loading the ${name} network`);
    this.runtime ??= await loadRuntime();
    const response = await fetch(new URL(`models/${name}.onnx`, HERE));
    if (!response.ok) throw new Error(`models/${name}.onnx: ${response.status}`);
    const model = new Uint8Array(await response.arrayBuffer());
    const processor = await this.create(model, "wasm");
    const gpu = this.runtime.gpu ? await this.create(model, "webgpu").catch(() => null) : null;
    const [kept, other] = gpu && (await agree(gpu, processor, probes[name]())) ? [gpu, processor] : [processor, gpu];
    await other?.release();
    this.sessions.set(name, kept);
  }

  /** What runs some networks, in words. */
  runsOn(names) {
    const { threads } = this.runtime;
    const processor = `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    const kinds = names.map((name) => (this.sessions.get(name).provider === "webgpu" ? "WebGPU" : processor));
    return [...new Set(kinds)].join(" and ");
  }

  /** Runs a loaded network on named inputs ({ type, data, dims }); gives the samples of its output. */
  run(name, inputs) {
    return this.sessions.get(name).run(inputs);
  }

  async create(model, provider) {
    const { ort } = this.runtime;
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3 });
    const run = async (inputs) => {
      const tensors = {};
      for (const [key, { type, data, dims }] of Object.entries(inputs)) tensors[key] = new ort.Tensor(type, data, dims);
      return (await session.run(tensors)).output.data;
    };
    return { provider, run, release: () => session.release() };
  }
}

async function loadRuntime() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const gpu = Boolean(adapter && !adapter.info.isFallbackAdapter); // a fallback is software, slower than WebAssembly
  const ort = await import(gpu ? "./vendor/ort.webgpu.min.mjs" : "./vendor/ort.wasm.min.mjs");
  // Threads share memory, which browsers allow to isolated pages only.
  const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  ort.env.wasm.numThreads = threads;
  return { ort, gpu, threads };
}

/** Whether two sessions give the same. Kernels of GPUs fail on some networks, and not always with an error. */
async function agree(one, other, inputs) {
  const expected = await other.run(inputs);
  const found = await one.run(inputs).catch(() => []);
  return expected.every((sample, at) => Math.abs(sample - found[at]) < TOLERANCE);
}
