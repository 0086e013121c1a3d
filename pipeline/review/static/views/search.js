// One box for all filters: what is typed finds values to filter by, each choice becomes a chip.

import { clear, h, readable } from "../dom.js";

const DECISIONS = { none: "undecided", keep: "kept", reject: "rejected", redo: "to be redone" };
const STATES = { done: "made", failed: "failed", missing: "not made yet" };
const KINDS = [["person", "Person"], ["garment", "Garment"], ["background", "Background"], ["flag", "Flag"], ["verdict", "Decision"], ["state", "Picture"]];
const SHOWN_OF_A_KIND = 4;
const MOST_SHOWN = 24;
const NUMBER = /([01]?[.,]\d+|[01])\s*$/;

const told = (key, value) => {
  if (key === "verdict") return DECISIONS[value] || value;
  if (key === "state") return STATES[value] || value;
  if (key === "background" && value === "original") return "own photo";
  if (key === "flag" && value === "any") return "any flag";
  return readable(value).replaceAll("-", key === "flag" ? " " : "-");
};

/** A filter in words: `Garment: blue tee`. */
export function inWords(key, value) {
  if (key === "min_score") return `Score from ${value}`;
  if (key === "max_score") return `Score up to ${value}`;
  if (key === "sort") return "Worst score first";
  const kind = KINDS.find(([name]) => name === key);
  return `${kind ? kind[1] : key}: ${told(key, value)}`;
}

/** Rows {key, value, text, count} that fit what is typed, a few of each kind. */
export function suggestions(text, facets, filter) {
  const wanted = text.trim().toLowerCase();
  const rows = [];
  for (const [key] of KINDS) {
    const values = key === "flag" && facets.flag?.length ? [["any", null], ...facets.flag] : facets[key] || [];
    const fitting = values.map(([value, count]) => ({ key, value, count, text: inWords(key, value) }))
      .filter((row) => filter[key] !== row.value && row.text.toLowerCase().includes(wanted));
    rows.push(...fitting.slice(0, wanted ? MOST_SHOWN : SHOWN_OF_A_KIND));
  }
  if (facets.score?.[0]?.[1]) rows.push(...scores(wanted, filter));
  return rows.slice(0, MOST_SHOWN);
}

function scores(wanted, filter) {
  const typed = NUMBER.exec(wanted);
  const bound = typed ? typed[1].replace(",", ".") : "0.5";
  const rows = [["max_score", bound], ["min_score", bound], ["sort", "score"]].map(([key, value]) => ({ key, value, count: null, text: inWords(key, value) }));
  return rows.filter((row) => filter[row.key] !== row.value && (typed ? row.key !== "sort" : row.text.toLowerCase().includes(wanted)));
}

export class Search {
  /** `change(filter)` is called with the whole filter. */
  constructor(change) {
    this.change = change;
    this.facets = {};
    this.filter = {};
    this.rows = [];
    this.at = -1;
    this.input = h("input", { type: "search", id: "search", role: "combobox", placeholder: "Search or filter: a name, a flag, kept…", "aria-label": "Search and filter",
      "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list", autocomplete: "off",
      oninput: () => this.typed(), onfocus: () => this.open(), onclick: () => this.open(), onblur: () => this.close(), onkeydown: (event) => this.drive(event) });
    this.menu = h("ul", { id: "suggestions", role: "listbox", "aria-label": "Filters", hidden: true });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Chosen filters" });
    this.element = h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() }, h("div", { class: "box" }, this.input, this.menu), this.chips);
  }

  show(facets, filter) {
    this.facets = facets;
    this.filter = filter;
    if (document.activeElement !== this.input) this.input.value = filter.q || "";
    const chosen = Object.entries(filter).filter(([key, value]) => value && key !== "q" && !(key === "sort" && value === "order"));
    clear(this.chips, chosen.map(([key, value]) => h("button", { type: "button", class: "chip", "aria-label": `Remove filter ${inWords(key, value)}`, onclick: () => this.tell({ [key]: "" }) }, inWords(key, value), h("span", { "aria-hidden": "true" }, "×"))),
      chosen.length + (filter.q ? 1 : 0) > 1 ? h("button", { type: "button", class: "plain-button", onclick: () => { this.input.value = ""; this.filter = {}; this.tell({}); } }, "Show all") : "");
    this.chips.hidden = !this.chips.childElementCount;
  }

  tell(changes) {
    const filter = Object.fromEntries(Object.entries({ ...this.filter, ...changes }).filter(([, value]) => value));
    this.show(this.facets, filter);
    this.change(filter);
  }

  typed() {
    this.at = -1;
    this.open();
    this.tell({ q: this.input.value });
  }

  open() {
    this.rows = suggestions(this.input.value, this.facets, this.filter);
    clear(this.menu, this.rows.map((row, number) => h("li", { role: "option", id: `suggestion-${number}`, "aria-selected": String(number === this.at),
      onpointerdown: (event) => { event.preventDefault(); this.choose(number); } }, h("span", {}, row.text), row.count === null ? "" : h("small", {}, row.count.toLocaleString()))));
    this.menu.hidden = !this.rows.length;
    this.input.setAttribute("aria-expanded", String(!this.menu.hidden));
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `suggestion-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.menu.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.at = -1;
    this.menu.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  choose(number) {
    const row = this.rows[number];
    this.input.value = "";
    this.close();
    this.tell({ q: "", [row.key]: row.value });
  }

  drive(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      const step = key === "ArrowDown" ? 1 : -1;
      this.at = this.menu.hidden ? 0 : (this.at + step + this.rows.length) % this.rows.length;
      this.open();
    } else if (key === "Enter" && this.at >= 0) this.choose(this.at);
    else if (key === "Escape" && !this.menu.hidden) this.close();
    else if (key === "Escape") this.input.blur();
    else if (key === "Backspace" && !this.input.value) this.chips.querySelector(".chip:last-of-type")?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
