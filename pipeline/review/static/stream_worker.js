// The one stream of a browser: what the server sends goes to every tab.

import { openStream } from "./stream.js";

const tabs = new Set();
let close = null, lost = false, hello = null;

function tell(message) {
  if (message.kind === "open" || message.kind === "lost") lost = message.kind === "lost";
  if (message.kind === "hello") hello = message;
  for (const port of tabs) port.postMessage(message);
}

function join(port) {
  tabs.add(port);
  if (!close) close = openStream(tell);
  else {
    port.postMessage({ kind: lost ? "lost" : "open" });
    if (hello) port.postMessage(hello);
  }
}

function leave(port) {
  tabs.delete(port);
  if (tabs.size) return;
  close?.();
  close = hello = null;
}

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => (data === "join" ? join(port) : leave(port)));
  port.start();
});
