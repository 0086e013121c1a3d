// What happens elsewhere: one event stream for all tabs of a browser. A browser opens six connections to a server at most,
// so the stream belongs to a shared worker; where there is none, every tab opens a stream of its own.

import { openStream } from "./stream.js";

export const live = new EventTarget();

function take({ kind, detail }) {
  if (kind === "open" || kind === "lost") document.body.classList.toggle("offline", kind === "lost");
  else live.dispatchEvent(new CustomEvent(kind, { detail }));
}

export function connect() {
  if (window.SharedWorker) share();
  else openOwn();
}

function openOwn() {
  const close = openStream(take);
  addEventListener("pagehide", close, { once: true });
}

function share() {
  const worker = new SharedWorker("/static/stream_worker.js", { type: "module", name: "lookbook" });
  worker.addEventListener("error", openOwn, { once: true }); // e.g. a browser without modules in workers
  const { port } = worker;
  port.addEventListener("message", (event) => take(event.data));
  port.start();
  port.postMessage("join");
  addEventListener("pagehide", () => port.postMessage("leave"));
  addEventListener("pageshow", (event) => { if (event.persisted) port.postMessage("join"); });
}

/** Listens until the view that asked is left. */
export const hear = (kind, listener, signal) => live.addEventListener(kind, (event) => listener(event.detail), { signal });
