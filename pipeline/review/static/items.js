// The filtered list of pictures, read in pages as it is looked at. Shared by the gallery and the viewer.

import { get, judge } from "./api.js";
import { Steps } from "./steps.js";

const PAGE = 100;
const KEPT_PAGES = 40;
const LARGEST = 200; // items that the server gives at once
const MOST_PICKED = 4000;
const AT_ONCE = 1000; // decisions in one request

export class Items extends EventTarget {
  constructor() {
    super();
    this.filter = {};
    this.total = 0;
    this.version = 0;
    this.focus = 0;
    this.scroll = 0;
    this.shapes = null;
    this.picked = new Map();
    this.steps = new Steps();
    this.pages = new Map();
    this.asked = new Map();
  }

  setFilter(filter) {
    this.filter = filter;
    this.picked.clear();
    this.focus = 0;
    this.scroll = 0;
    return this.refresh();
  }

  /** Forget what is known and read the first page anew; what is shown stays until the answer is here. */
  async refresh() {
    this.generation = (this.generation || 0) + 1;
    this.asked.clear();
    await this.page(Math.floor(this.focus / PAGE), true);
  }

  query(offset, limit = PAGE, shapes = false) {
    const wanted = Object.entries(this.filter).filter(([, value]) => value !== "" && value !== null);
    return new URLSearchParams([...wanted, ["offset", offset], ["limit", limit], ["shapes", shapes]]);
  }

  page(number, fresh = false) {
    if (this.asked.has(number)) return this.asked.get(number);
    const generation = this.generation;
    const work = get(`/api/items?${this.query(number * PAGE, PAGE, fresh)}`).then((found) => {
      if (generation !== this.generation) return;
      if (fresh) {
        this.pages.clear();
        this.shapes = found.shapes;
      }
      this.total = found.total;
      this.version = found.version;
      this.pages.set(number, found.items);
      while (this.pages.size > KEPT_PAGES) {
        const oldest = this.pages.keys().next().value;
        this.pages.delete(oldest);
        this.asked.delete(oldest);
      }
      this.dispatchEvent(new Event("change"));
    });
    work.catch(() => this.asked.delete(number));
    this.asked.set(number, work);
    return work;
  }

  peek(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  async at(index) {
    if (!this.peek(index)) await this.page(Math.floor(index / PAGE));
    return this.peek(index);
  }

  async indexOf(id) {
    for (const [number, items] of this.pages) {
      const place = items.findIndex((each) => each.id === id);
      if (place >= 0) return number * PAGE + place;
    }
    return -1;
  }

  /** Decides about pictures; deciding the same again changes nothing. */
  async decide(cards, verdict) {
    const changed = cards.filter((each) => (each.verdict || "none") !== verdict || each.stale);
    if (!changed.length) return;
    const entry = changed.map((each) => [each.id, each.verdict || "none", verdict]);
    await this.write(entry.map(([id, , after]) => [id, after]));
    this.steps.remember(entry);
  }

  /** Takes the last decision back, or makes it again; says about how many pictures it was. */
  async turn(back) {
    const entry = (back ? this.steps.past : this.steps.future).at(-1);
    if (!entry) return 0;
    await this.write(entry.map(([id, before, after]) => [id, back ? before : after]));
    if (back) this.steps.back(entry);
    else this.steps.forth(entry);
    return entry.length;
  }

  /** Writes [id, verdict] pairs, and shows them. */
  async write(rows) {
    for (const verdict of new Set(rows.map((row) => row[1]))) {
      const ids = rows.filter((row) => row[1] === verdict).map((row) => row[0]);
      for (let first = 0; first < ids.length; first += AT_ONCE) {
        const { items } = await judge(ids.slice(first, first + AT_ONCE), verdict);
        this.take(items);
      }
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Puts cards in the place of those that are known. */
  take(cards) {
    const fresh = new Map(cards.map((card) => [card.id, card]));
    for (const known of [...[...this.pages.values()].flat(), ...this.picked.values()]) Object.assign(known, fresh.get(known.id));
  }

  pick(card, on = !this.picked.has(card.id)) {
    if (on) this.picked.set(card.id, card);
    else this.picked.delete(card.id);
    this.dispatchEvent(new Event("change"));
  }

  async pickAll() {
    for (let offset = 0; offset < Math.min(this.total, MOST_PICKED); offset += LARGEST) {
      const found = await get(`/api/items?${this.query(offset, LARGEST)}`);
      found.items.forEach((card) => this.picked.set(card.id, card));
    }
    this.dispatchEvent(new Event("change"));
  }

  pickNone() {
    this.picked.clear();
    this.dispatchEvent(new Event("change"));
  }
}

export const shared = new Items();
