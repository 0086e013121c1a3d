// Settings files with a mistake: what is wrong where, and the way out: put aside, and brought back.

import { get, post, remove } from "./api.js";
import { clear, guarded, h, isTyping, toast } from "./dom.js";
import { Steps } from "./steps.js";

const steps = new Steps(); // names of files that were put aside here
const path = (name, more, version) => `/api/settings/${name.split("/").map(encodeURIComponent).join("/")}${more}?base=${encodeURIComponent(version)}`;

/** Draws every broken settings file and those that were put aside into `place`; nothing where there is none. `again` follows every change. */
export async function drawBroken(place, again, { aside = true } = {}) {
  const found = await get("/api/settings");
  clear(place, found.broken.map((each) => broken(each, again)), aside ? found.aside.filter(isLatest).map((each) => keptRow(each, again)) : "");
  return found;
}

const isLatest = (each, index, all) => all.findIndex((other) => other.name === each.name) === index;

function broken(each, again) {
  const lines = each.text.replace(/\n$/, "").split("\n").map((line, index) => h("span", { class: index + 1 === each.line ? "line here" : "line" }, `${line}\n`));
  const act = guarded(async () => {
    const kept = await putAside(each);
    steps.remember(each.name);
    toast(`${each.name} is put aside as ${kept.kept_as}`, "", false, ["Undo", guarded(async () => { await turnBroken(true); await again(); })]);
    await again();
  });
  return h("section", { class: "notice bad broken", "aria-label": each.name },
    h("h2", {}, each.name, each.line ? h("small", {}, ` line ${each.line}`) : ""), h("p", {}, each.message), each.remedy ? h("p", {}, h("code", {}, each.remedy)) : "",
    each.text ? h("pre", { class: "left", tabindex: 0, role: "group", "aria-label": `What ${each.name} says` }, lines) : "",
    h("div", { class: "row" }, h("button", { type: "button", class: "strong", onclick: act }, `Put ${each.name} aside`),
      h("small", {}, "It is kept beside its place, and can be brought back.")));
}

function keptRow(each, again) {
  const act = guarded(async () => { await bringBack(each); await again(); });
  return h("div", { class: "notice row between" }, h("span", {}, `${each.name} was put aside as `, h("code", {}, each.kept_as)),
    each.version ? h("small", {}, "another file is in its place") : h("button", { type: "button", onclick: act }, "Bring it back"));
}

const putAside = (each) => remove(path(each.name, "", each.version));

async function bringBack(each) {
  await post(path(each.name, "/undo", each.version));
  toast(`${each.name} is as before`);
}

/** Takes the last putting aside back, or does it again; says whether there was one. */
export async function turnBroken(back) {
  const name = (back ? steps.past : steps.future).at(-1);
  if (!name) return false;
  const found = await get("/api/settings");
  const each = (back ? found.aside : found.broken).find((file) => file.name === name);
  if (each) await (back ? bringBack(each) : putAside(each));
  if (back) steps.back(name);
  else steps.forth(name);
  return Boolean(each);
}

/** Undo and redo by keys while a view is shown. */
export function undoBroken(again, signal) {
  addEventListener("keydown", guarded(async (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key) || isTyping(event)) return;
    event.preventDefault();
    const back = key === "z" && !event.shiftKey;
    if (await turnBroken(back)) await again();
    else toast(back ? "nothing to undo here" : "nothing to redo");
  }), { signal });
}
