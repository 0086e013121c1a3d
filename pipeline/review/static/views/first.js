// The first run: three steps, or the demo.

import { get, post, submit } from "../api.js";
import { clear, guarded, h, toast } from "../dom.js";
import { dropZone, KINDS } from "./drop.js";
import { hear } from "../live.js";

/** Says what to do where nothing is made yet; follows what is brought. */
export async function drawFirst(place, signal) {
  const draw = guarded(async () => {
    const status = await get("/api/status", { signal });
    clear(place, steps(status, draw));
  });
  hear("job", draw, signal);
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault(), { signal });
  await draw();
}

function steps(status, redraw) {
  const counts = { person: status.people, cloth: status.garments, background: status.backgrounds };
  const step = (number, kind, title) => {
    const [, , about] = KINDS.find(([name]) => name === kind);
    const have = counts[kind] ? h("span", { class: "have" }, `✓ ${counts[kind]} there`) : h("span", { class: "quiet" }, about);
    return h("li", { class: "panel drop" }, h("h2", {}, h("span", { class: "number", "aria-hidden": "true" }, number), ` ${title}`), have, dropZone(kind, redraw));
  };
  const ready = counts.person > 0 && counts.cloth > 0;
  const make = h("button", { type: "button", class: "strong", disabled: !ready, onclick: guarded(async () => { await submit({ steps: ["all"] }); location.hash = "#/runs"; }) }, "Make the pictures");
  const demo = h("button", { type: "button", onclick: guarded(async () => {
    demo.disabled = true;
    demo.textContent = "Bringing the demo…";
    await post("/api/demo").finally(redraw);
    toast("the demo's photo, garments and backgrounds are there");
  }) }, "Try it with the demo pictures");
  return h("section", { class: "first", "aria-label": "First steps" },
    h("h2", { class: "lead" }, "Dress people in three steps"),
    h("ol", { class: "drops bare-list" },
      step("1", "person", "People"), step("2", "cloth", "Garments"),
      h("li", { class: "panel drop" }, h("h2", {}, h("span", { class: "number", "aria-hidden": "true" }, "3"), " Make the pictures"),
        h("span", { class: "quiet" }, ready ? "Every person is dressed in every garment." : "As soon as there is a person and a garment."), make,
        h("details", { open: counts.background > 0 }, h("summary", {}, counts.background ? `✓ ${counts.background} backgrounds` : "Backgrounds, if you want some"), dropZone("background", redraw)))),
    counts.person || counts.cloth ? "" : h("p", { class: "row centred" }, h("span", { class: "quiet" }, "Nothing at hand?"), demo));
}
