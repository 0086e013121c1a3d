// A place to drop pictures on, or to choose them.

import { clear, guarded, h, select, toast } from "../dom.js";

export const KINDS = [["person", "People", "photos of one person each"], ["cloth", "Garments", "flat lays or product pictures"], ["background", "Backgrounds", "rooms, streets, beaches"]];
const CATEGORIES = [["upper", "upper body"], ["lower", "lower body"], ["dress", "dresses"]];
let category = "upper";

/** Uploads what is dropped, then calls `redraw`. Garments ask for their category. */
export function dropZone(kind, redraw) {
  const title = KINDS.find(([name]) => name === kind)[1].toLowerCase();
  const input = h("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif", "aria-label": `Add ${title}`, onchange: () => bring(kind, [...input.files], zone, redraw) });
  const zone = h("label", { class: "zone" }, h("span", {}, `Drop ${title} here, or choose files`), input);
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    bring(kind, [...event.dataTransfer.files], zone, redraw);
  });
  if (kind !== "cloth") return zone;
  return [h("label", { class: "field" }, h("span", {}, "These garments are"), select(CATEGORIES, category, (value) => { category = value; }, "Garment category")), zone];
}

async function bring(kind, files, zone, redraw) {
  let stored = 0;
  for (const [number, each] of files.entries()) {
    clear(zone.firstChild, `${number + 1} of ${files.length}: ${each.name}`);
    await guarded(async () => {
      await send("POST", `/api/inputs/${kind}?category=${category}`, each);
      stored += 1;
    })();
  }
  if (stored) toast(`${stored} ${stored === 1 ? "picture" : "pictures"} added`);
  await redraw();
}

/** Sends one picture; a refusal is thrown with its message and remedy. */
export async function send(method, path, file) {
  const form = new FormData();
  form.append("file", file);
  const answer = await fetch(path, { method, body: form });
  const body = await answer.json().catch(() => ({ message: `the server answered ${answer.status}` }));
  if (!answer.ok) throw body;
  return body;
}
