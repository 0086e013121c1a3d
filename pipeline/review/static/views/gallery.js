// The gallery: every finished picture, drawn only where the screen is.

import { get, submit } from "../api.js";
import { clear, entitle, guarded, h, isTyping, toast } from "../dom.js";
import { drawFirst } from "./first.js";
import { shared as items } from "../items.js";
import { hear } from "../live.js";
import { Places } from "./places.js";
import { Search } from "./search.js";
import { drawTile } from "./tile.js";

const GAP = 14;
const SMALLEST = 168;
const CAPTION = 72;
const SPARE_ROWS = 2;
const VERDICTS = { k: "keep", x: "reject", r: "redo", u: "none" };

export async function show(view, { signal, query }) {
  entitle("Gallery");
  if (query.size) items.filter = Object.fromEntries(query);
  const gallery = new Gallery(view, signal);
  items.addEventListener("change", () => gallery.draw(), { signal });
  addEventListener("scroll", () => gallery.draw(), { signal, passive: true });
  addEventListener("resize", () => gallery.draw(), { signal });
  addEventListener("keydown", guarded((event) => gallery.drive(event)), { signal });
  const load = guarded(() => gallery.load());
  hear("gallery", load, signal);
  hear("afresh", load, signal);
  signal.addEventListener("abort", () => { items.scroll = gallery.scroll; });
  await gallery.load();
  if (signal.aborted) return;
  scrollTo(0, items.scroll);
  gallery.draw();
  gallery.focus();
}

class Gallery {
  constructor(view, signal) {
    this.signal = signal;
    this.tiles = new Map();
    this.scroll = 0;
    this.search = new Search(guarded((filter) => items.setFilter(filter)));
    this.count = h("p", { class: "count", role: "status" });
    this.actions = h("div", { class: "actions" });
    this.bulk = h("div", { class: "bulk", role: "group", "aria-label": "Selected pictures", hidden: true });
    this.toolbar = h("div", { class: "toolbar" }, this.search.element, h("div", { class: "row between" }, this.count, this.actions), this.bulk);
    this.grid = h("div", { class: "grid", role: "list", "aria-label": "Pictures" });
    this.below = h("div", {});
    clear(view, h("h1", { class: "unseen" }, "Gallery"), this.toolbar, this.grid, this.below);
  }

  async load() {
    const facets = await get("/api/facets", { signal: this.signal });
    this.facets = facets;
    this.marked = Object.fromEntries(facets.verdict);
    this.search.show(facets, items.filter);
    await items.refresh();
  }

  /** The counts after a decision. */
  async recount() {
    this.facets = await get("/api/facets", { signal: this.signal });
    this.marked = Object.fromEntries(this.facets.verdict);
    this.search.show(this.facets, items.filter);
    this.drawActions();
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  measure() {
    const width = this.grid.clientWidth;
    const columns = Math.max(2, Math.floor((width + GAP) / (SMALLEST + GAP)));
    this.wide = (width - GAP * (columns - 1)) / columns;
    this.tall = this.wide * 1.25 + CAPTION;
    if (this.laid !== items.shapes || this.places?.columns !== columns || this.places.total !== items.total) {
      this.places = new Places(items.shapes, items.total, columns);
      this.laid = items.shapes;
    }
  }

  /** Whether no run made anything, good or failed: then the first steps are shown, not rows of empty tiles. */
  get nothingYet() {
    const states = Object.fromEntries(this.facets.state);
    return !this.filtered && !states.done && !states.failed;
  }

  get filtered() { return Object.entries(items.filter).some(([key, value]) => value && key !== "sort"); }

  draw() {
    if (!this.grid.isConnected || !this.facets) return;
    const nothing = items.total === 0 || this.nothingYet;
    this.toolbar.hidden = nothing && !this.filtered;
    this.grid.classList.toggle("none", nothing);
    this.drawBelow(nothing);
    this.drawBulk();
    this.drawActions();
    this.count.textContent = `${items.total.toLocaleString()} ${items.total === 1 ? "picture" : "pictures"}`;
    this.scroll = scrollY;
    if (nothing) return;
    this.measure();
    const step = this.tall + GAP;
    this.grid.style.height = `${Math.max(0, this.places.rows * step)}px`;
    const top = this.grid.getBoundingClientRect().top;
    const first = this.places.start(Math.floor(-top / step) - SPARE_ROWS);
    const last = this.places.start(Math.ceil((innerHeight - top) / step) + SPARE_ROWS);
    for (const [index, tile] of this.tiles) {
      if (index >= first && index < last) continue;
      tile.remove();
      this.tiles.delete(index);
    }
    for (let index = first; index < last; index += 1) this.place(index);
  }

  place(index) {
    const item = items.peek(index);
    if (!item) items.page(Math.floor(index / 100));
    const { places } = this;
    const key = item ? [item.id, item.version, item.verdict, item.stale, item.state, item.flags.join(), item.score].join("|") : "";
    let tile = this.tiles.get(index);
    if (!tile || tile.dataset.key !== key) {
      const fresh = drawTile(index, item, key, (event) => this.picked(event, index));
      const focused = tile?.contains(document.activeElement);
      if (tile) tile.replaceWith(fresh);
      else this.put(index, fresh);
      this.tiles.set(index, fresh);
      tile = fresh;
      if (focused) tile.querySelector("a")?.focus({ preventScroll: true });
    }
    tile.style.width = `${this.wide * places.span[index] + GAP * (places.span[index] - 1)}px`;
    tile.style.height = `${this.tall}px`;
    tile.style.transform = `translate(${places.column[index] * (this.wide + GAP)}px, ${places.row[index] * (this.tall + GAP)}px)`;
    tile.setAttribute("aria-setsize", items.total);
    tile.setAttribute("aria-posinset", index + 1);
    tile.classList.toggle("current", index === items.focus);
    for (const each of tile.querySelectorAll("a, input")) each.tabIndex = index === items.focus ? 0 : -1;
    const box = tile.querySelector("input");
    if (box) box.checked = items.picked.has(item.id);
    tile.classList.toggle("picked", Boolean(item) && items.picked.has(item.id));
  }

  /** Tiles follow each other in the document as on the screen. */
  put(index, tile) {
    const next = [...this.tiles.keys()].filter((each) => each > index).sort((a, b) => a - b)[0];
    this.grid.insertBefore(tile, next === undefined ? null : this.tiles.get(next));
  }

  drawBelow(nothing) {
    const wanted = !nothing ? "" : this.filtered ? "filtered" : "first";
    if (this.below.dataset.shows === wanted) return;
    this.below.dataset.shows = wanted;
    if (wanted === "first") drawFirst(this.below, this.signal);
    else clear(this.below, wanted ? h("div", { class: "empty" }, h("h2", {}, "No picture fits"), h("button", { type: "button", onclick: () => this.search.tell(Object.fromEntries(Object.keys(items.filter).map((key) => [key, ""]))) }, "Show all")) : "");
  }

  drawActions() {
    const { redo = 0, keep = 0 } = this.marked;
    const { past } = items.steps;
    const key = [redo, keep, past.length].join();
    if (this.actions.dataset.key === key) return;
    this.actions.dataset.key = key;
    clear(this.actions,
      past.length ? h("button", { type: "button", title: "Ctrl Z", onclick: guarded(() => this.turn(true)) }, "Undo") : "",
      redo ? h("button", { type: "button", onclick: guarded(redoMarked) }, `Make the ${redo.toLocaleString()} marked again`) : "",
      keep ? h("a", { class: "button", href: "/api/export.zip?only_kept=true", download: "kept.zip" }, `Download the ${keep.toLocaleString()} kept`) : "");
  }

  drawBulk() {
    const number = items.picked.size;
    this.grid.classList.toggle("picking", number > 0);
    this.bulk.hidden = number === 0;
    const key = `${number} ${items.total}`;
    if (!number || this.bulk.dataset.key === key) return;
    this.bulk.dataset.key = key;
    const act = (text, work) => h("button", { type: "button", onclick: guarded(work) }, text);
    clear(this.bulk, h("b", { role: "status" }, `${number.toLocaleString()} selected`),
      act("Keep", () => this.decide("keep")), act("Reject", () => this.decide("reject")), act("Mark to redo", () => this.decide("redo")), act("Undecided", () => this.decide("none")),
      act("Make again", () => makeAgain([...items.picked.values()])),
      number < items.total ? act(`Select all ${items.total.toLocaleString()}`, () => items.pickAll()) : "", act("Select none", () => items.pickNone()));
  }

  // ---- doing ------------------------------------------------------------------------------------------------------------

  /** A box was ticked; with Shift all from the last one on. */
  picked(event, index) {
    const on = event.target.checked; // as the user set it: every pick draws the boxes anew
    const from = event.shiftKey && this.pickedLast !== undefined ? this.pickedLast : index;
    for (let each = Math.min(from, index); each <= Math.max(from, index); each += 1) if (items.peek(each)) items.pick(items.peek(each), on);
    this.pickedLast = index;
  }

  focus() {
    (this.tiles.get(items.focus)?.querySelector("a") || document.getElementById("view")).focus({ preventScroll: true });
  }

  focusOn(index) {
    if (!items.total) return;
    items.focus = Math.max(0, Math.min(items.total - 1, index));
    const step = this.tall + GAP;
    const top = this.grid.getBoundingClientRect().top + scrollY + this.places.row[items.focus] * step;
    const bar = this.toolbar.offsetHeight + 70;
    if (top - bar < scrollY) scrollTo(0, top - bar);
    else if (top + step > scrollY + innerHeight) scrollTo(0, top + step + GAP - innerHeight);
    this.draw();
    this.focus();
  }

  /** About what is selected, else about the picture in focus. */
  async decide(verdict) {
    const item = items.peek(items.focus);
    const cards = items.picked.size ? [...items.picked.values()] : item ? [item] : [];
    await items.decide(cards, verdict);
    await this.recount();
  }

  async turn(back) {
    const number = await items.turn(back);
    if (!number) toast(back ? "nothing to undo here" : "nothing to redo");
    else toast(`${back ? "taken back" : "decided again"}: ${number} ${number === 1 ? "picture" : "pictures"}`);
    await this.recount();
  }

  async drive(event) {
    if (isTyping(event) || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const control = event.ctrlKey || event.metaKey;
    const work = control ? { z: () => this.turn(!event.shiftKey), y: () => this.turn(false), a: () => items.pickAll() }[key] : this.work(key, event);
    if (!work || !items.total || this.nothingYet) return;
    event.preventDefault();
    await work();
  }

  work(key, event) {
    const { focus } = items;
    const rows = Math.max(1, Math.floor(innerHeight / this.tall) - 1);
    const onControl = event.target.closest("button, a:not(.open), input");
    if (key in VERDICTS) {
      return () => {
        const decided = this.decide(VERDICTS[key]);
        if (!items.picked.size && key !== "u") this.focusOn(focus + 1); // at once: fast keys go on to the next
        return decided;
      };
    }
    return {
      ArrowRight: () => this.focusOn(focus + 1), ArrowLeft: () => this.focusOn(focus - 1), n: () => this.focusOn(focus + 1), p: () => this.focusOn(focus - 1),
      ArrowDown: () => this.focusOn(this.places.below(focus, 1)), ArrowUp: () => this.focusOn(this.places.below(focus, -1)),
      PageDown: () => this.focusOn(this.places.below(focus, rows)), PageUp: () => this.focusOn(this.places.below(focus, -rows)),
      Home: () => this.focusOn(0), End: () => this.focusOn(items.total - 1), "/": () => this.search.input.focus(),
      Escape: items.picked.size ? () => items.pickNone() : undefined,
      " ": onControl ? undefined : () => items.peek(focus) && items.pick(items.peek(focus)),
      Enter: onControl || event.target.closest("a") ? undefined : () => { const item = items.peek(focus); if (item) location.hash = `#/item/${encodeURIComponent(item.id)}`; },
    }[key];
  }
}

async function makeAgain(cards) {
  const pairs = [...new Set(cards.map((each) => each.pair))];
  await submit({ steps: ["tryon", "compose"], only: pairs.slice(0, MOST_PAIRS), force: true, another: true });
  toast(`${Math.min(pairs.length, MOST_PAIRS)} ${pairs.length === 1 ? "pair is" : "pairs are"} made again`, pairs.length > MOST_PAIRS ? `the other ${pairs.length - MOST_PAIRS} afterwards: select them again` : "");
}

const MOST_PAIRS = 500; // of one job

async function redoMarked() {
  const { items: marked } = await get("/api/items?verdict=redo&limit=200");
  await makeAgain(marked);
}
