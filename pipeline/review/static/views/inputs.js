// What the user brings: photos, garments and backgrounds, to add, rename and delete.

import { get, post, removeNothingBack, submit, thumb } from "../api.js";
import { drawBroken, undoBroken } from "../broken.js";
import { clear, guarded, h, readable, toast } from "../dom.js";
import { dropZone, KINDS } from "./drop.js";

const MOST_SHOWN = 400;

export async function show(view, { signal }) {
  const inputs = new Inputs(view, signal);
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault(), { signal });
  await inputs.load();
}

class Inputs {
  constructor(view, signal) {
    this.signal = signal;
    this.picked = new Set(); // `kind/id`
    this.columns = h("div", { class: "drops" });
    this.problems = h("div", {});
    this.broken = h("div", { class: "stack" });
    this.heading = h("div", { class: "row" });
    this.bulk = h("div", { class: "bulk", role: "group", "aria-label": "Selected inputs", hidden: true });
    clear(view, h("div", { class: "plain" }, h("div", { class: "row between" }, h("h1", {}, "Inputs"), this.heading), this.bulk, this.broken, this.columns, this.problems));
    undoBroken(() => this.load(), signal);
  }

  async load() {
    const [inputs, status] = await Promise.all([get("/api/inputs", { signal: this.signal }), get("/api/status", { signal: this.signal }), drawBroken(this.broken, () => this.load())]);
    this.inputs = inputs;
    const known = new Set(KINDS.flatMap(([kind]) => inputs[kind].map((each) => `${kind}/${each.id}`)));
    this.picked = new Set([...this.picked].filter((each) => known.has(each)));
    const ready = status.people > 0 && status.garments > 0;
    clear(this.heading, ready ? [h("a", { class: "button", href: "#/pairs" }, "Choose pairs"),
      h("button", { type: "button", class: "strong", onclick: guarded(async () => { await submit({ steps: ["all"] }); location.hash = "#/runs"; }) }, "Make the pictures")] : "");
    clear(this.columns, KINDS.map((row) => this.column(...row)));
    clear(this.problems, status.problems.map((each) => h("div", { class: "notice" }, h("b", {}, each.path), h("p", {}, each.reason), h("small", {}, each.remedy))));
    this.drawBulk();
  }

  column(kind, title, about) {
    const rows = this.inputs[kind];
    const redraw = guarded(() => this.load());
    return h("section", { class: "panel drop", "aria-label": title },
      h("div", {}, h("h2", {}, `${title} `, h("small", {}, rows.length.toLocaleString())), h("small", {}, about)),
      dropZone(kind, redraw),
      h("div", { class: "thumbs", tabindex: rows.length ? 0 : null, role: "group", "aria-label": `${title}: pictures` }, rows.slice(0, MOST_SHOWN).map((each) => this.figure(kind, each))),
      rows.length > MOST_SHOWN ? h("small", {}, `and ${(rows.length - MOST_SHOWN).toLocaleString()} more`) : "");
  }

  figure(kind, each) {
    const key = `${kind}/${each.id}`;
    const box = h("input", { type: "checkbox", checked: this.picked.has(key), "aria-label": `Select ${readable(each.id)}`,
      onchange: () => { this.picked[box.checked ? "add" : "delete"](key); this.drawBulk(); } });
    return h("figure", { title: each.ref }, h("img", { src: thumb(each.ref, each.version), alt: readable(each.id), loading: "lazy" }),
      h("label", { class: "pick" }, box), h("figcaption", {}, readable(each.id)));
  }

  get chosen() {
    return KINDS.flatMap(([kind]) => this.inputs[kind].filter((each) => this.picked.has(`${kind}/${each.id}`)).map((each) => ({ kind, ...each })));
  }

  drawBulk() {
    const { chosen } = this;
    this.bulk.hidden = !chosen.length;
    clear(this.bulk, h("b", { role: "status" }, `${chosen.length.toLocaleString()} selected`),
      chosen.length === 1 ? h("button", { type: "button", onclick: guarded(() => this.rename(chosen[0])) }, "Rename") : "",
      h("button", { type: "button", class: "danger", onclick: guarded(() => this.remove(chosen)) }, "Delete"),
      h("button", { type: "button", onclick: () => { this.picked.clear(); this.load(); } }, "Select none"));
  }

  async rename(each) {
    const name = h("input", { type: "text", required: true, maxlength: 80, value: each.id, "aria-label": "New name" });
    const sure = await ask(`Rename ${readable(each.id)}`, "Pictures that were made under the old name stay; the next run makes them under the new one.", "Rename", name);
    if (!sure || !name.value.trim() || name.value === each.id) return;
    const renamed = await post(`/api/inputs/${each.kind}/${encodeURIComponent(each.id)}/rename`, { name: name.value, base: each.version });
    this.picked = new Set([`${each.kind}/${renamed.id}`]);
    toast(`${readable(each.id)} is now ${readable(renamed.id)}`);
    await this.load();
  }

  async remove(chosen) {
    const what = chosen.length === 1 ? readable(chosen[0].id) : `${chosen.length} pictures`;
    if (!(await ask(`Delete ${what}?`, "The files are deleted from the inputs folder. This cannot be undone.", "Delete"))) return;
    let gone = 0;
    for (const each of chosen) {
      await guarded(async () => {
        await removeNothingBack(`/api/inputs/${each.kind}/${encodeURIComponent(each.id)}?base=${encodeURIComponent(each.version)}`);
        gone += 1;
      })();
    }
    if (gone) toast(`${gone} deleted`);
    await this.load();
  }
}

/** Asks in a dialog; resolves to whether the named button was pressed. */
function ask(title, about, yes, control = null) {
  const dialog = document.getElementById("ask");
  clear(dialog, h("h2", { id: "ask-title" }, title), h("p", { class: "quiet" }, about),
    h("form", { method: "dialog", class: "stack" }, control, h("div", { class: "row" }, h("button", { value: "yes", class: "strong" }, yes), h("button", { value: "no", formnovalidate: true }, "Cancel"))));
  dialog.returnValue = "no";
  dialog.showModal();
  control?.select();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
