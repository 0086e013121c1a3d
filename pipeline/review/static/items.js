// The filtered list of pictures, read in pages as it is looked at. Shared by the gallery and the viewer.

import { get, judge } from "./api.js";

const PAGE = 100;
const KEPT_PAGES = 40;

export class Items extends EventTarget {
  constructor() {
    super();
    this.filter = {};
    this.total = 0;
    this.version = 0;
    this.focus = 0;
    this.scroll = 0;
    this.pages = new Map();
    this.asked = new Map();
  }

  setFilter(filter) {
    this.filter = filter;
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

  query(offset) {
    const wanted = Object.entries(this.filter).filter(([, value]) => value !== "" && value !== null);
    return new URLSearchParams([...wanted, ["offset", offset], ["limit", PAGE]]);
  }

  page(number, fresh = false) {
    if (this.asked.has(number)) return this.asked.get(number);
    const generation = this.generation;
    const work = get(`/api/items?${this.query(number * PAGE)}`).then((found) => {
      if (generation !== this.generation) return;
      if (fresh) this.pages.clear();
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

  /** Decide about one picture; deciding the same again takes it back. */
  async decide(item, verdict) {
    const { items } = await judge([item.id], item.verdict === verdict && verdict !== "none" ? "none" : verdict);
    Object.assign(item, items[0]);
    this.dispatchEvent(new Event("change"));
    return item;
  }
}

export const shared = new Items();
