// One picture of the gallery: a link to it, a box to select it, and what is known about it.

import { thumb } from "../api.js";
import { h, readable } from "../dom.js";
import { shared as items } from "../items.js";

export const MARKS = { keep: "✓", reject: "✕", redo: "↻" };
const SAID = { keep: "kept", reject: "rejected", redo: "to be redone" };
const STATES = { failed: "failed", missing: "not made yet" };
const PASSES = 0.5; // as pipeline/core/score.py
const GOOD = 0.8;

/** A score's class and what it means: 0.5 is where the worst measure stands at its threshold. */
export function meaning(score) {
  if (score < PASSES) return ["low", "below 0.5: a measure of the quality check is beyond its limit, look at the flags"];
  if (score < GOOD) return ["fair", "0.5 to 0.8: every measure is within its limit, one of them narrowly"];
  return ["high", "0.8 and more: every measure is well within its limit"];
}

export const words = (flag) => flag.replaceAll("-", " ");

export function drawTile(index, item, key, picked) {
  if (!item) return h("div", { class: "tile", role: "listitem", "data-key": key }, h("span", { class: "unseen" }, "loading"));
  const place = item.background === "original" ? "own photo" : readable(item.background);
  const name = [readable(item.person), readable(item.worn), place].join(", ");
  const [rank, about] = item.score === null ? ["", ""] : meaning(item.score);
  const said = [name, STATES[item.state], SAID[item.verdict], item.stale ? "made again since" : "",
    item.score === null ? "" : `score ${item.score.toFixed(2)}`, item.flags.length ? `flags: ${item.flags.map(words).join(", ")}` : ""].filter(Boolean).join(", ");
  const picture = item.version
    ? h("img", { src: thumb(item.ref, item.version), alt: "", decoding: "async", draggable: "false" })
    : h("span", { class: "absent" }, item.state === "failed" ? item.message : "not made yet");
  const badges = [
    item.verdict ? h("b", { class: `mark ${item.verdict}`, title: SAID[item.verdict] }, MARKS[item.verdict]) : null,
    item.stale ? h("b", { class: "mark stale", title: "made again after the decision" }, "!") : null,
    item.score !== null ? h("b", { class: `score ${rank}`, title: `Score ${item.score.toFixed(2)}, ${about}` }, item.score.toFixed(2)) : null,
  ];
  return h("div", { class: `tile ${item.verdict || ""} ${item.state}`, role: "listitem", "data-key": key, "data-id": item.id },
    h("a", { class: "open", href: `#/item/${encodeURIComponent(item.id)}`, "aria-label": said, onclick: () => { items.focus = index; } },
      h("div", { class: "frame" }, picture, h("div", { class: "badges" }, badges)),
      h("div", { class: "caption" }, h("span", {}, readable(item.person)), h("small", {}, `${readable(item.worn)} · ${place}`),
        item.flags.length ? h("small", { class: "flags", title: item.flags.map(words).join(", ") }, `⚑ ${item.flags.map(words).join(", ")}`) : "")),
    h("label", { class: "pick" }, h("input", { type: "checkbox", "aria-label": `Select ${name}`, onclick: picked })));
}
