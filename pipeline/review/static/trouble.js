// A view that cannot be shown: what happened, and every way out that there is.

import { get, remove } from "./api.js";
import { drawBroken } from "./broken.js";
import { clear, entitle, guarded, h, toast } from "./dom.js";

/** Shows a problem instead of a view; `again` tries the view once more. */
export async function showTrouble(view, problem, [name, background], again) {
  entitle("That did not work");
  const ways = h("div", { class: "row centred" },
    h("button", { type: "button", class: "strong", onclick: again }, "Try again"),
    h("a", { class: "button", href: "#/" }, "Gallery"), h("a", { class: "button", href: "#/inputs" }, "Inputs"));
  const box = h("div", { class: "empty", role: "alert" }, h("h1", {}, "That did not work"), h("p", {}, problem.message),
    problem.remedy ? h("p", {}, h("code", {}, problem.remedy)) : "", ways);
  clear(view, box);
  if (name === "placement" && background && problem.status === 422) await offerReset(box, ways, background, again);
  else await offerAside(box, ways, again);
}

/** Settings files with a mistake, each with its way out. */
async function offerAside(box, ways, again) {
  const place = h("div", { class: "stack left" });
  const found = await drawBroken(place, again, { aside: false }).catch(() => null);
  if (!found?.broken.length) return;
  ways.firstChild.classList.remove("strong");
  box.append(place);
}

async function offerReset(box, ways, background, again) {
  const path = `/api/placements/${encodeURIComponent(background)}`;
  const file = await get(`${path}/file`).catch(() => null);
  if (!file?.text) return;
  const reset = guarded(async () => {
    await remove(`${path}?base=${encodeURIComponent(file.version)}`);
    toast(`${file.file} is put aside: everything is found automatically. Undo brings it back.`);
    await again();
  });
  ways.firstChild.classList.remove("strong");
  ways.prepend(h("button", { type: "button", class: "strong", onclick: reset }, `Reset ${file.file}`));
  box.append(h("details", { open: true }, h("summary", {}, `What ${file.file} says`), h("pre", { class: "left" }, file.text)));
}
