// Who wears what: a grid of check boxes, written to pairs.txt.

import { get, put, remove, submit, thumb } from "./api.js";
import { clear, guarded, h, readable, toast } from "./dom.js";

const PEOPLE_AT_ONCE = 60;
const GARMENTS_AT_ONCE = 60;

export async function show(view, { signal }) {
  const [state, inputs] = await Promise.all([get("/api/pairs", { signal }), get("/api/inputs", { signal })]);
  if (!state.people.length || !state.garments.length) {
    clear(view, h("div", { class: "empty" }, h("h2", {}, "No people and garments yet"), h("p", {}, "Add photos of people and of garments first."), h("a", { class: "button strong", href: "#/inputs" }, "Add pictures")));
    return;
  }
  new PairGrid(view, state, inputs).draw();
}

class PairGrid {
  constructor(view, state, inputs) {
    this.state = state;
    this.pictures = Object.fromEntries([...inputs.person, ...inputs.cloth].map((each) => [each.id, each]));
    this.chosen = new Set(state.pairs.map(([person, garment]) => `${person}\n${garment}`));
    this.text = "";
    this.first = 0;
    this.status = h("span", { class: "quiet", role: "status" });
    this.table = h("div", { class: "tablebox" });
    clear(view, h("div", { class: "plain" },
      h("div", { class: "row between" }, h("div", {}, h("h1", {}, "Who wears what"), this.status),
        h("div", { class: "row" },
          h("input", { type: "search", placeholder: "Search", "aria-label": "Search people and garments", oninput: (event) => { this.text = event.target.value.toLowerCase(); this.first = 0; this.draw(); } }),
          h("button", { type: "button", onclick: guarded(() => this.everything()) }, "Everybody wears everything"),
          h("button", { type: "button", class: "strong", onclick: guarded(() => this.save()) }, "Save pairs.txt"),
          h("button", { type: "button", onclick: guarded(() => this.run()) }, "Save and run"))),
      this.table));
  }

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
    const unsaved = this.changed ? ", not saved" : "";
    this.status.textContent = `${this.chosen.size.toLocaleString()} pairs${unsaved}${this.state.file ? "" : " (no pairs.txt: everybody wears everything)"}`;
  }

  set(person, garment, on) {
    this.chosen[on ? "add" : "delete"](`${person}\n${garment}`);
    this.changed = true;
    this.count();
  }

  toggle(cells) {
    const all = cells.every(([person, garment]) => this.chosen.has(`${person}\n${garment}`));
    cells.forEach(([person, garment]) => this.set(person, garment, !all));
    this.draw();
  }

  async save() {
    const { people, garments } = this.state;
    const pairs = people.flatMap((person) => garments.filter((garment) => this.chosen.has(`${person}\n${garment.id}`)).map((garment) => [person, garment.id]));
    const { pairs: count, version } = await put("/api/pairs", { pairs, base: this.state.version });
    this.state.version = version;
    this.changed = false;
    this.state.file = true;
    this.count();
    toast(`pairs.txt written: ${count} pairs`);
  }

  async everything() {
    await remove(`/api/pairs?base=${encodeURIComponent(this.state.version)}`);
    this.state = await get("/api/pairs");
    this.chosen = new Set(this.state.pairs.map(([person, garment]) => `${person}\n${garment}`));
    this.changed = false;
    this.draw();
    toast("pairs.txt is gone: everybody wears everything");
  }

  async run() {
    await this.save();
    await submit({ steps: ["all"] });
    location.hash = "#/runs";
  }
}
