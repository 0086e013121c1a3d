// Who wears what: a grid of check boxes, written to pairs.txt.

import { get, put, remove, submit, thumb } from "../api.js";
import { clear, guarded, h, isTyping, readable, toast } from "../dom.js";
import { Steps } from "../steps.js";
import { watch } from "../unsaved.js";

const PEOPLE_AT_ONCE = 60;
const GARMENTS_AT_ONCE = 60;

export async function show(view, { signal }) {
  const [state, inputs] = await Promise.all([get("/api/pairs", { signal }), get("/api/inputs", { signal })]);
  if (!state.people.length || !state.garments.length) {
    clear(view, h("div", { class: "empty" }, h("h1", {}, "No people and garments yet"), h("p", {}, "Add photos of people and of garments first."), h("a", { class: "button strong", href: "#/inputs" }, "Add pictures")));
    return;
  }
  const grid = new PairGrid(view, state, inputs);
  watch({ what: "who wears what", changed: () => grid.changed, save: () => grid.save() }, signal);
  addEventListener("keydown", guarded((event) => grid.drive(event)), { signal });
  grid.draw();
}

const joined = (chosen) => [...chosen].sort().join("\r");

class PairGrid {
  constructor(view, state, inputs) {
    this.state = state;
    this.pictures = Object.fromEntries([...inputs.person, ...inputs.cloth].map((each) => [each.id, each]));
    this.take(state);
    this.steps = new Steps();
    this.text = "";
    this.first = 0;
    this.status = h("span", { class: "quiet", role: "status" });
    this.table = h("div", { class: "tablebox", tabindex: 0, role: "region", "aria-label": "People and garments" });
    this.bar = h("div", { class: "savebar", role: "group", "aria-label": "Save" });
    clear(view, h("div", { class: "plain" },
      h("div", { class: "row between" }, h("div", {}, h("h1", {}, "Who wears what"), this.status),
        h("div", { class: "row" },
          h("input", { type: "search", placeholder: "Search", "aria-label": "Search people and garments", oninput: (event) => { this.text = event.target.value.toLowerCase(); this.first = 0; this.draw(); } }),
          h("button", { type: "button", onclick: () => this.everything() }, "Everybody wears everything"),
          this.bar)),
      this.table));
  }

  take(state) {
    this.state = state;
    this.chosen = new Set(state.pairs.map(([person, garment]) => `${person}\n${garment}`));
    this.saved = joined(this.chosen);
  }

  get changed() { return joined(this.chosen) !== this.saved; }

  shown() {
    const fits = (id) => id.toLowerCase().includes(this.text);
    const people = this.state.people.filter(fits);
    const garments = this.state.garments.filter((each) => fits(each.id));
    return { people: people.length ? people : this.state.people, garments: (garments.length ? garments : this.state.garments).slice(0, GARMENTS_AT_ONCE) };
  }

  draw() {
    const { people, garments } = this.shown();
    const rows = people.slice(this.first, this.first + PEOPLE_AT_ONCE);
    const face = (id) => { const each = this.pictures[id]; return each ? h("img", { src: thumb(each.ref, each.version), alt: "", loading: "lazy" }) : ""; };
    const head = h("tr", {}, h("th", { scope: "col" }, "person"), garments.map((garment) => h("th", { scope: "col" },
      h("button", { type: "button", title: "all or none", onclick: () => this.toggle(people.map((person) => [person, garment.id])) }, face(garment.id), readable(garment.id)))));
    const body = rows.map((person) => h("tr", {},
      h("th", { scope: "row" }, h("button", { type: "button", title: "all or none", onclick: () => this.toggle(garments.map((garment) => [person, garment.id])) }, readable(person))),
      garments.map((garment) => h("td", {}, h("label", {}, h("input", { type: "checkbox", checked: this.chosen.has(`${person}\n${garment.id}`), "aria-label": `${readable(person)} wears ${readable(garment.id)}`,
        onchange: (event) => this.set(person, garment.id, event.target.checked) }))))));
    const pages = Math.ceil(people.length / PEOPLE_AT_ONCE);
    const turn = (by) => { this.first += by * PEOPLE_AT_ONCE; this.draw(); };
    clear(this.table, h("table", { class: "pairs" }, h("thead", {}, head), h("tbody", {}, body)),
      pages > 1 ? h("div", { class: "row" }, h("button", { type: "button", disabled: !this.first, onclick: () => turn(-1) }, "Earlier"),
        `${this.first + 1}–${Math.min(people.length, this.first + PEOPLE_AT_ONCE)} of ${people.length}`,
        h("button", { type: "button", disabled: this.first + PEOPLE_AT_ONCE >= people.length, onclick: () => turn(1) }, "Further")) : "");
    this.count();
  }

  count() {
    const { changed } = this;
    this.status.textContent = `${this.chosen.size.toLocaleString()} pairs${changed ? ", not saved" : this.state.file ? "" : ": everybody wears everything"}`;
    const { past, future } = this.steps;
    clear(this.bar,
      h("button", { type: "button", class: "strong", disabled: !changed, title: "Ctrl S", onclick: guarded(() => this.save()) }, "Save"),
      h("button", { type: "button", onclick: guarded(() => this.run()) }, "Save and make"),
      h("button", { type: "button", disabled: !past.length, title: "Ctrl Z", onclick: () => this.turn(true) }, "Undo"),
      h("button", { type: "button", disabled: !future.length, title: "Ctrl Shift Z", onclick: () => this.turn(false) }, "Redo"));
  }

  /** One step that can be undone. */
  change(cells, on) {
    this.steps.remember(new Set(this.chosen));
    for (const [person, garment] of cells) this.chosen[on ? "add" : "delete"](`${person}\n${garment}`);
  }

  set(person, garment, on) {
    this.change([[person, garment]], on);
    this.count();
  }

  toggle(cells) {
    this.change(cells, !cells.every(([person, garment]) => this.chosen.has(`${person}\n${garment}`)));
    this.draw();
  }

  get all() { return this.state.people.flatMap((person) => this.state.garments.map((garment) => [person, garment.id])); }

  everything() {
    this.change(this.all, true);
    this.draw();
  }

  turn(back) {
    const found = back ? this.steps.back(this.chosen) : this.steps.forth(this.chosen);
    if (!found) return toast(back ? "nothing to undo here" : "nothing to redo");
    this.chosen = found;
    this.draw();
    return undefined;
  }

  /** Everybody in everything needs no list: people and garments that are added later belong to it too. */
  async save() {
    const pairs = this.all.filter(([person, garment]) => this.chosen.has(`${person}\n${garment}`));
    const { version } = this.state;
    try {
      if (pairs.length === this.all.length) await remove(`/api/pairs?base=${encodeURIComponent(version)}`);
      else await put("/api/pairs", { pairs, base: version });
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      await this.takeNewer(problem);
      return false;
    }
    this.take(await get("/api/pairs"));
    this.draw();
    toast(this.state.file ? `saved: ${this.chosen.size.toLocaleString()} pairs` : "saved: everybody wears everything");
    return true;
  }

  /** Somebody else saved meanwhile: theirs is shown, and undo brings back what was ticked here. */
  async takeNewer(problem) {
    const newer = await get("/api/pairs");
    if (newer.version === this.state.version) throw problem;
    this.steps.remember(this.chosen);
    this.take(newer);
    this.draw();
    toast("the pairs were changed meanwhile; these are the newer ones", "Undo brings yours back, Save then writes them", true);
  }

  async drive(event) {
    const commands = { z: () => this.turn(!event.shiftKey), y: () => this.turn(false), s: () => (this.changed ? this.save() : undefined) };
    const work = (event.ctrlKey || event.metaKey) && commands[event.key.toLowerCase()];
    if (!work || (isTyping(event) && event.key.toLowerCase() !== "s")) return;
    event.preventDefault();
    await work();
  }

  async run() {
    if (this.changed && !(await this.save())) return;
    await submit({ steps: ["all"] });
    location.hash = "#/runs";
  }
}
