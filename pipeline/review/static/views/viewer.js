// One picture: before and after, every stage it was made of, the decision about it.

import { file, get, item as address, submit, thumb } from "../api.js";
import { clear, entitle, guarded, h, isTyping, readable, select, toast } from "../dom.js";
import { shared as items } from "../items.js";
import { hear } from "../live.js";
import { Stage } from "./stage.js";
import { MARKS, meaning, words } from "./tile.js";

const WHOLE = { "own photo": "photo", final: "background" }; // what a finished picture may be a part of
const BARE = 6; // percent of the width that show a bare background at first

export async function show(view, { words: [id], signal }) {
  const viewer = new Viewer(view, signal);
  await viewer.load(id);
  addEventListener("keydown", guarded((event) => viewer.drive(event)), { signal });
  hear("gallery", guarded(() => viewer.load(viewer.item.id, true)), signal);
}

class Viewer {
  constructor(view, signal) {
    this.signal = signal;
    this.stage = new Stage();
    this.single = false;
    this.strip = h("div", { class: "strip", role: "group", "aria-label": "Stages" });
    this.side = h("aside", { "aria-label": "About this picture" });
    clear(view, h("div", { class: "viewer" }, this.stage.element, this.strip, this.side));
  }

  async load(id, again = false) {
    const item = await get(address(id), { signal: this.signal });
    if (again && item.version === this.item.version && item.verdict === this.item.verdict) return;
    this.item = item;
    entitle([readable(item.person), readable(item.worn), item.background === "original" ? "own photo" : readable(item.background)].join(", "));
    if (!items.total) await items.refresh();
    const place = await items.indexOf(id);
    if (place >= 0) items.focus = place;
    const labels = item.stages.map((each) => each.label);
    const wanted = item.background === "original" ? "own photo" : "final";
    this.afterLabel = [wanted, "own photo", "try-on", "person", "photo"].find((label) => labels.includes(label));
    this.beforeLabel = item.background === "original" ? "photo" : labels.includes("background") ? "background" : "photo";
    if (!again && this.beforeLabel === "background") this.stage.slide(BARE); // the people stand in the middle, and are looked for
    this.draw();
  }

  at(label) {
    const stage = this.item.stages.find((each) => each.label === label);
    return stage && { label, url: file(stage.ref, stage.version), ...stage };
  }

  draw() {
    const after = this.at(this.afterLabel);
    const before = this.single || this.beforeLabel === this.afterLabel ? null : this.at(this.beforeLabel) || null;
    if (after) this.stage.show(after, before, before && WHOLE[after.label] === before.label ? after.window : null);
    else this.stage.frame.replaceChildren(h("p", { class: "empty" }, this.item.message || "nothing is made yet"));
    clear(this.strip, this.item.stages.map((each) =>
      h("button", { type: "button", "aria-pressed": String(each.label === this.afterLabel), onclick: () => { this.afterLabel = each.label; this.draw(); } },
        h("img", { src: thumb(each.ref, each.version), alt: "", loading: "lazy" }), h("span", {}, each.label))));
    clear(this.side, this.about());
  }

  about() {
    const { item } = this;
    const place = item.background === "original" ? "own photo" : readable(item.background);
    const compare = select([["", "alone"], ...item.stages.map((each) => [each.label, each.label])], this.single ? "" : this.beforeLabel, (value) => {
      this.single = value === "";
      if (value) this.beforeLabel = value;
      this.draw();
    }, "Compare with");
    return [
      h("div", { class: "row between" },
        h("a", { href: "#/", class: "back" }, "← Gallery"),
        h("span", { class: "quiet" }, `${(items.focus + 1).toLocaleString()} of ${items.total.toLocaleString()}`),
        h("span", {}, h("button", { type: "button", class: "icon", "aria-label": "Previous", onclick: guarded(() => this.step(-1)) }, "‹"),
          h("button", { type: "button", class: "icon", "aria-label": "Next", onclick: guarded(() => this.step(1)) }, "›"))),
      h("h1", {}, readable(item.person)),
      h("p", { class: "quiet" }, `${readable(item.worn)} · ${place}`, item.preview ? h("span", { class: "stamp" }, "preview") : ""),
      this.verdicts(),
      item.message ? h("div", { class: "notice bad" }, h("b", {}, "Failed"), h("p", {}, item.message), item.remedy ? h("p", {}, h("code", {}, item.remedy)) : "",
        h("div", { class: "row" }, h("button", { type: "button", onclick: guarded(() => this.tryAgain()) }, "Try again"), h("a", { class: "button", href: "#/inputs" }, "Inputs"))) : "",
      this.score(),
      ...item.notices.map((each) => h("div", { class: "notice" }, h("b", {}, `⚑ ${words(each.flag)}`), h("p", {}, each.about), each.detail ? h("small", {}, each.detail) : "")),
      h("label", { class: "field" }, h("span", {}, "Compare with"), compare),
      h("div", { class: "stack" },
        item.background === "original" ? "" : h("a", { class: "button", href: `#/placement/${encodeURIComponent(item.background)}?pair=${encodeURIComponent(item.pair)}` }, "Change the placement"),
        h("a", { class: "button", href: `#/masks/agnostic/${encodeURIComponent(item.wearer)}?category=${item.category}` }, "Change what is repainted"),
        h("a", { class: "button", href: `#/masks/cloth/${encodeURIComponent(item.garment)}?category=${item.category}` }, "Change the garment's outline"),
        h("button", { type: "button", onclick: guarded(() => this.redo()) }, "Make again")),
      this.figures(),
    ];
  }

  verdicts() {
    const button = (verdict, key) => h("button", { type: "button", class: `verdict ${verdict}`, "aria-pressed": String(this.item.verdict === verdict),
      onclick: guarded(() => this.decide(this.item.verdict === verdict ? "none" : verdict, false)) }, h("span", { "aria-hidden": "true" }, MARKS[verdict]), ` ${verdict[0].toUpperCase()}${verdict.slice(1)} `, h("kbd", {}, key));
    return [
      h("div", { class: "verdicts", role: "group", "aria-label": "Decision" }, button("keep", "K"), button("reject", "X"), button("redo", "R")),
      this.item.stale ? h("p", { class: "quiet" }, "The picture was made again after this decision.") : "",
    ];
  }

  score() {
    if (this.item.score === null) return "";
    const [rank, about] = meaning(this.item.score);
    const why = this.item.facts.map((each) => each.facts).find((facts) => Number(facts.score) === this.item.score)?.score_why;
    return h("p", { class: "score-line" }, h("b", { class: `score ${rank}` }, this.item.score.toFixed(2)), ` Score, ${about}.`, why ? ` What decides it: ${why}.` : "");
  }

  figures() {
    const rows = this.item.facts.flatMap((each) => Object.entries(each.facts).map(([key, value]) => h("tr", {}, h("td", {}, each.step), h("td", {}, key), h("td", {}, value))));
    const size = this.at(this.afterLabel)?.size;
    return [
      h("p", { class: "quiet" }, `engine ${this.item.engine}`, size ? ` · ${size[1]}×${size[0]} px` : ""),
      rows.length ? h("details", {}, h("summary", {}, "Figures"), h("table", { class: "small figures" }, rows)) : "",
      this.item.recipe ? h("details", {}, h("summary", {}, "Recipe"), h("pre", {}, JSON.stringify(this.item.recipe, null, 1))) : "",
    ];
  }

  async decide(verdict, goOn) {
    await items.decide([this.item], verdict);
    await this.follow();
    if (goOn && this.item.verdict) await this.step(1);
  }

  async turn(back) {
    const number = await items.turn(back);
    toast(number ? `${back ? "taken back" : "decided again"}: ${number} ${number === 1 ? "picture" : "pictures"}` : back ? "nothing to undo here" : "nothing to redo");
    await this.follow();
  }

  /** Shows the decision about this picture as it is now. */
  async follow() {
    const { verdict, stale } = await get(address(this.item.id), { signal: this.signal });
    Object.assign(this.item, { verdict, stale });
    const focused = this.side.contains(document.activeElement) && document.activeElement.className;
    clear(this.side, this.about());
    if (focused) this.side.querySelector(`[class="${focused}"]`)?.focus();
  }

  async tryAgain() {
    await submit({ steps: ["all"], only: [this.item.pair], retry_failed: true });
    toast("queued: what failed is tried again");
  }

  async redo() {
    await submit({ steps: ["tryon", "compose"], only: [this.item.pair], force: true, another: true });
    toast(this.item.preview ? "queued; the preview has no seed, so only what changed since will show" : "queued: another picture, which changes here when it is made");
  }

  async step(by) {
    const index = items.focus + by;
    if (index < 0 || index >= items.total) return toast(by > 0 ? "that was the last one" : "this is the first one");
    const next = await items.at(index);
    items.focus = index;
    location.replace(`#/item/${encodeURIComponent(next.id)}`);
    return undefined;
  }

  async drive(event) {
    const turns = { z: () => this.turn(!event.shiftKey), y: () => this.turn(false) };
    if ((event.ctrlKey || event.metaKey) && turns[event.key.toLowerCase()] && !isTyping(event)) {
      event.preventDefault();
      await turns[event.key.toLowerCase()]();
      return;
    }
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { stage } = this;
    const onSlider = event.target === stage.slider && event.key.startsWith("Arrow");
    const work = onSlider ? null : {
      ArrowRight: () => this.step(1), n: () => this.step(1), ArrowLeft: () => this.step(-1), p: () => this.step(-1),
      k: () => this.decide("keep", true), x: () => this.decide("reject", true), r: () => this.decide("redo", true), u: () => this.decide("none", false),
      z: () => stage.toggle(), "+": () => stage.zoom(1.5), "=": () => stage.zoom(1.5), "-": () => stage.zoom(1 / 1.5),
      ",": () => stage.slide(stage.split - 5), ".": () => stage.slide(stage.split + 5),
      s: () => { this.single = !this.single; this.draw(); },
      Escape: () => { location.hash = "#/"; },
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!work) return;
    event.preventDefault();
    await work();
  }
}
