// What the user brings: drop photos, garments and backgrounds.

import { get, submit, thumb } from "./api.js";
import { clear, guarded, h, readable, select, toast } from "./dom.js";

const KINDS = [["person", "People", "photos of one person each"], ["cloth", "Garments", "flat lays or product pictures"], ["background", "Backgrounds", "rooms, streets, beaches"]];
const MOST_SHOWN = 400;

export async function show(view, { signal }) {
  const columns = h("div", { class: "drops" });
  const problems = h("div", {});
  clear(view, h("div", { class: "plain" },
    h("div", { class: "row between" }, h("h1", {}, "Inputs"), h("div", { class: "row" },
      h("a", { class: "button", href: "#/pairs" }, "Choose pairs"),
      h("button", { type: "button", class: "strong", onclick: guarded(async () => { await submit({ steps: ["all"] }); location.hash = "#/runs"; }) }, "Make the pictures"))),
    columns, problems));
  const draw = guarded(async () => {
    const [inputs, status] = await Promise.all([get("/api/inputs", { signal }), get("/api/status", { signal })]);
    clear(columns, KINDS.map(([kind, title, about]) => column(kind, title, about, inputs[kind], draw)));
    clear(problems, status.problems.map((each) => h("div", { class: "notice" }, h("b", {}, each.path), h("p", {}, each.reason), h("small", {}, each.remedy))));
  });
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault(), { signal });
  await draw();
}

let category = "upper";

function column(kind, title, about, rows, redraw) {
  const input = h("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif", onchange: () => bring(kind, [...input.files], zone, redraw) });
  const text = h("span", {}, "Drop pictures here, or choose files");
  const zone = h("label", { class: "zone" }, text, input);
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    bring(kind, [...event.dataTransfer.files], zone, redraw);
  });
  const shown = rows.slice(0, MOST_SHOWN).map((each) => h("figure", { title: each.ref }, h("img", { src: thumb(each.ref, each.version), alt: readable(each.id), loading: "lazy" }), h("figcaption", {}, readable(each.id))));
  return h("section", { class: "panel drop", "aria-label": title },
    h("div", {}, h("h2", {}, `${title} `, h("small", {}, rows.length.toLocaleString())), h("small", {}, about)),
    kind === "cloth" ? h("label", { class: "field" }, h("span", {}, "These garments are"), select([["upper", "upper body"], ["lower", "lower body"], ["dress", "dresses"]], category, (value) => { category = value; }, "Garment category")) : "",
    zone,
    h("div", { class: "thumbs" }, shown),
    rows.length > MOST_SHOWN ? h("small", {}, `and ${(rows.length - MOST_SHOWN).toLocaleString()} more`) : "");
}

async function bring(kind, files, zone, redraw) {
  let stored = 0;
  for (const [number, each] of files.entries()) {
    zone.firstChild.textContent = `${number + 1} of ${files.length}: ${each.name}`;
    await guarded(async () => {
      const form = new FormData();
      form.append("file", each);
      const answer = await fetch(`/api/inputs/${kind}?category=${category}`, { method: "POST", body: form });
      const body = await answer.json().catch(() => ({ message: `the server answered ${answer.status}` }));
      if (!answer.ok) throw body;
      stored += 1;
    })();
  }
  if (stored) toast(`${stored} ${stored === 1 ? "picture" : "pictures"} added`);
  await redraw();
}
