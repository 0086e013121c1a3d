// The gallery: every finished picture, drawn only where the screen is.

import { get, submit, thumb } from "./api.js";
import { clear, guarded, h, isTyping, readable, select, toast } from "./dom.js";
import { shared as items } from "./items.js";
import { hear } from "./live.js";

const GAP = 14;
const SMALLEST = 168;
const CAPTION = 72;
const SPARE_ROWS = 2;
const VERDICTS = { k: "keep", x: "reject", r: "redo", u: "none" };
const DECISIONS = [["none", "undecided"], ["keep", "kept"], ["reject", "rejected"], ["redo", "to be redone"]];
export const MARKS = { keep: "✓", reject: "✕", redo: "↻" };

export async function show(view, { signal, query }) {
  const facets = await get("/api/facets", { signal });
  const filters = h("form", { class: "filters", "aria-label": "Filter", onsubmit: (event) => event.preventDefault() });
  const count = h("p", { class: "count", role: "status" });
  const grid = h("div", { class: "grid", role: "listbox", tabindex: 0, "aria-label": "Pictures" });
  clear(view, h("h1", { class: "unseen" }, "Gallery"), h("div", { class: "toolbar" }, filters, h("div", { class: "row" }, count, actions())), grid);
  if (query.size) items.filter = Object.fromEntries(query);
  drawFilters(filters, facets);
  const drawing = new Drawing(grid, count);
  const draw = () => drawing.draw();
  items.addEventListener("change", draw, { signal });
  addEventListener("scroll", draw, { signal, passive: true });
  addEventListener("resize", draw, { signal });
  drawing.decided = guarded(async () => drawFilters(filters, await get("/api/facets")));
  addEventListener("keydown", guarded((event) => drive(event, drawing)), { signal });
  hear("gallery", guarded(async () => {
    await items.refresh();
    drawFilters(filters, await get("/api/facets"));
  }), signal);
  hear("afresh", guarded(() => items.refresh()), signal);
  await items.refresh();
  scrollTo(0, items.scroll);
  signal.addEventListener("abort", () => { items.scroll = drawing.scroll; });
  draw();
  grid.focus({ preventScroll: true });
}

function actions() {
  return h("div", { class: "actions" },
    h("button", { type: "button", onclick: guarded(redoMarked) }, "Redo the marked"),
    h("a", { class: "button", href: "/api/export.zip?only_kept=true", download: "kept.zip" }, "Download the kept"));
}

async function redoMarked() {
  const { items: marked } = await get("/api/items?verdict=redo&limit=200");
  const pairs = [...new Set(marked.map((each) => each.pair))];
  if (!pairs.length) return toast("nothing is marked to be redone: press R on a picture");
  await submit({ steps: ["tryon", "compose"], only: pairs, force: true, another: true });
  return toast(`${pairs.length} ${pairs.length === 1 ? "pair is" : "pairs are"} made again`);
}

function drawFilters(form, facets) {
  if (form.contains(document.activeElement)) return;
  const change = guarded((key, value) => items.setFilter({ ...items.filter, [key]: value }));
  const options = (rows, all) => [["", all], ...rows.map(([key, number]) => [key, `${readable(key)} (${number})`])];
  const choice = (key, all, rows, extra = []) =>
    select([...options(rows, all), ...extra], items.filter[key] || "", (value) => change(key, value), all);
  const counts = Object.fromEntries(facets.verdict);
  const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search", value: items.filter.q || "",
    oninput: (event) => change("q", event.target.value) });
  const controls = [
    search,
    choice("person", "All people", facets.person),
    choice("garment", "All garments", facets.garment),
    choice("background", "All backgrounds", facets.background),
    choice("flag", "Any flags", facets.flag, facets.flag.length ? [["any", "flagged"]] : []),
    select([["", "Any decision"], ...DECISIONS.map(([key, text]) => [key, `${text} (${counts[key] || 0})`])], items.filter.verdict || "", (value) => change("verdict", value), "Any decision"),
    choice("state", "Any state", facets.state),
  ];
  if (facets.score[0][1]) {
    const number = (key, text) => h("input", { type: "number", step: "0.01", class: "short", placeholder: text, "aria-label": text,
      value: items.filter[key] ?? "", onchange: (event) => change(key, event.target.value) });
    controls.push(number("min_score", "Score from"), number("max_score", "Score to"),
      select([["order", "In order"], ["score", "Worst first"]], items.filter.sort || "order", (value) => change("sort", value), "Sort"));
  }
  clear(form, controls);
}

class Drawing {
  constructor(grid, count) {
    this.grid = grid;
    this.count = count;
    this.tiles = new Map();
    this.scroll = 0;
  }

  measure() {
    const width = this.grid.clientWidth;
    this.columns = Math.max(2, Math.floor((width + GAP) / (SMALLEST + GAP)));
    this.wide = (width - GAP * (this.columns - 1)) / this.columns;
    this.tall = this.wide * 1.25 + CAPTION;
    this.rows = Math.ceil(items.total / this.columns);
  }

  draw() {
    if (!this.grid.isConnected) return;
    this.measure();
    this.scroll = scrollY;
    this.count.textContent = `${items.total.toLocaleString()} ${items.total === 1 ? "picture" : "pictures"}`;
    this.grid.style.height = `${Math.max(0, this.rows * (this.tall + GAP))}px`;
    this.grid.classList.toggle("none", items.total === 0);
    const top = this.grid.getBoundingClientRect().top;
    const step = this.tall + GAP;
    const first = Math.max(0, Math.floor(-top / step) - SPARE_ROWS) * this.columns;
    const last = Math.min(items.total, (Math.ceil((innerHeight - top) / step) + SPARE_ROWS) * this.columns);
    for (const [index, tile] of this.tiles) {
      if (index < first || index >= last) {
        tile.remove();
        this.tiles.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) this.place(index);
    if (items.total) this.grid.setAttribute("aria-activedescendant", `tile-${items.focus}`);
    this.hint();
  }

  hint() {
    this.empty?.remove();
    if (items.total) return;
    const filtered = Object.values(items.filter).some((value) => value !== "" && value !== "order");
    this.empty = filtered
      ? h("div", { class: "empty" }, h("h2", {}, "No picture fits"), h("button", { type: "button", onclick: () => items.setFilter({}).then(() => location.reload()) }, "Show all"))
      : h("div", { class: "empty" }, h("h2", {}, "No pictures yet"), h("p", {}, "Add photos of people and garments, then start a run."),
        h("a", { class: "button strong", href: "#/inputs" }, "Add pictures"), " ", h("a", { class: "button", href: "#/runs" }, "Start a run"));
    this.grid.after(this.empty);
  }

  place(index) {
    const item = items.peek(index);
    if (!item) items.page(Math.floor(index / 100));
    const key = item ? [item.id, item.version, item.verdict, item.stale, item.state, item.flags.length, item.score].join("|") : "";
    let tile = this.tiles.get(index);
    if (!tile || tile.dataset.key !== key) {
      const fresh = drawTile(index, item, key);
      if (tile) tile.replaceWith(fresh);
      else this.grid.append(fresh);
      this.tiles.set(index, fresh);
      tile = fresh;
    }
    const row = Math.floor(index / this.columns);
    tile.style.width = `${this.wide}px`;
    tile.style.height = `${this.tall}px`;
    tile.style.transform = `translate(${(index % this.columns) * (this.wide + GAP)}px, ${row * (this.tall + GAP)}px)`;
    tile.setAttribute("aria-setsize", items.total);
    tile.setAttribute("aria-posinset", index + 1);
    tile.setAttribute("aria-selected", index === items.focus);
  }

  focusOn(index) {
    items.focus = Math.max(0, Math.min(items.total - 1, index));
    const top = this.grid.getBoundingClientRect().top + scrollY + Math.floor(items.focus / this.columns) * (this.tall + GAP);
    const bar = document.querySelector(".toolbar").offsetHeight + 70;
    if (top - bar < scrollY) scrollTo(0, top - bar);
    else if (top + this.tall + GAP > scrollY + innerHeight) scrollTo(0, top + this.tall + 2 * GAP - innerHeight);
    this.draw();
  }
}

function drawTile(index, item, key) {
  const id = `tile-${index}`;
  if (!item) return h("div", { class: "tile", id, role: "option", "data-key": key, "aria-label": "loading" });
  const place = item.background === "original" ? "own photo" : readable(item.background);
  const said = [readable(item.person), readable(item.worn), place, item.state === "done" ? "" : item.state, item.verdict,
    item.stale ? "made again since" : "", item.flags.length ? `flags: ${item.flags.join(", ")}` : ""].filter(Boolean).join(", ");
  const picture = item.version
    ? h("img", { src: thumb(item.ref, item.version), alt: "", decoding: "async", draggable: "false" })
    : h("span", { class: "absent" }, item.state === "failed" ? item.message : "not made yet");
  const badges = [
    item.verdict ? h("b", { class: `mark ${item.verdict}`, title: item.verdict }, MARKS[item.verdict]) : null,
    item.stale ? h("b", { class: "mark stale", title: "made again after the decision" }, "!") : null,
    item.flags.length ? h("b", { class: "flags", title: item.flags.join(", ") }, `⚑ ${item.flags.length}`) : null,
    item.score !== null ? h("b", { class: "score" }, item.score.toFixed(2)) : null,
  ];
  return h("div", { class: `tile ${item.verdict || ""} ${item.state}`, id, role: "option", "data-key": key, "data-id": item.id, "aria-label": said,
    onclick: () => { items.focus = index; open(item); } },
  h("div", { class: "frame" }, picture, h("div", { class: "badges" }, badges)),
  h("div", { class: "caption" }, h("span", {}, readable(item.person)), h("small", {}, readable(item.worn)), h("small", {}, place)));
}

const open = (item) => { location.hash = `#/item/${encodeURIComponent(item.id)}`; };

async function drive(event, drawing) {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  const { columns } = drawing;
  const page = columns * Math.max(1, Math.floor(innerHeight / drawing.tall) - 1);
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page, n: 1, p: -1 };
  const item = items.peek(items.focus);
  if (event.key in moves) drawing.focusOn(items.focus + moves[event.key]);
  else if (event.key === "Home") drawing.focusOn(0);
  else if (event.key === "End") drawing.focusOn(items.total - 1);
  else if (event.key === "Enter" && item && !event.target.closest("button, a")) open(item);
  else if (event.key === "/") document.querySelector(".filters input").focus();
  else if (event.key.toLowerCase() in VERDICTS && item) {
    await items.decide(item, VERDICTS[event.key.toLowerCase()]);
    drawing.decided();
    drawing.focusOn(items.focus + (event.key.toLowerCase() === "u" ? 0 : 1));
  } else return;
  event.preventDefault();
}
