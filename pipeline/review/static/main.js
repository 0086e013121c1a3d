// Routes between the views, and what all of them share: theme, help, the pill that shows the running job.

import { get } from "./api.js";
import { clear, duration, entitle, guarded, h, isTyping } from "./dom.js";
import { connect, hear } from "./live.js";
import { showTrouble } from "./trouble.js";
import { mayLeave, unsaved } from "./unsaved.js";

const VIEWS = {
  "": () => import("./views/gallery.js"),
  item: () => import("./views/viewer.js"),
  placement: () => import("./views/placement.js"),
  masks: () => import("./views/masks.js"),
  pairs: () => import("./views/pairs.js"),
  inputs: () => import("./views/inputs.js"),
  runs: () => import("./views/runs.js"),
};
const TITLES = { item: "Picture", placement: "Placement", masks: "Masks", pairs: "Who wears what", inputs: "Inputs", runs: "Runs" };
const view = document.getElementById("view");
let leaving = new AbortController();
let shown = location.hash;
let asking = false;

/** Goes to the view of the address, unless the one that is shown holds unsaved work and its user stays. */
async function arrive() {
  const wanted = location.hash;
  if (wanted === "#view") return;
  if (!unsaved() || wanted === shown) {
    shown = wanted;
    await show();
    return;
  }
  history.replaceState(null, "", shown || "#/");
  if (asking) return;
  asking = true;
  const leave = await mayLeave().finally(() => { asking = false; });
  if (leave) location.hash = wanted;
}

async function show() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  if (path === "view") return;
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const before = view.className;
  for (const link of document.querySelectorAll("nav a")) {
    const own = link.getAttribute("href").replace(/^#\/?/, "");
    if (own === (name === "item" ? "" : name)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const module = await (VIEWS[name] || VIEWS[""])();
    if (signal.aborted) return;
    view.className = `view-${name || "gallery"}`;
    if (before && before !== view.className) view.focus({ preventScroll: true });
    entitle(TITLES[name] || "Gallery");
    await module.show(view, { words: rest, query: new URLSearchParams(query), signal });
  } catch (problem) {
    if (signal.aborted || problem.name === "AbortError") return;
    await showTrouble(view, problem, [name, ...rest], show);
  }
  hideMeaningless();
}

/** Views that have nothing to show yet are not offered. */
async function hideMeaningless() {
  const links = [...document.querySelectorAll("nav a[data-needs]")];
  const now = await get("/api/status").catch(() => null);
  const there = now && { done: now.done > 0, pairs: now.people > 0 && now.garments > 0, scenes: now.done > 0 && now.backgrounds > 0 };
  for (const link of links) link.hidden = Boolean(there) && !there[link.dataset.needs] && !link.hasAttribute("aria-current");
}

const KEYS = [
  ["Everywhere", [["Ctrl Z", "undo: take back the last thing you did"], ["Ctrl Shift Z", "redo"], ["Ctrl S", "save"], ["?", "this help"]]],
  ["Gallery", [["← → ↑ ↓", "move"], ["Enter", "open"], ["Space", "select"], ["Ctrl A", "select all"], ["K", "keep"], ["X", "reject"], ["R", "redo"], ["U", "undecided"], ["/", "search"], ["Esc", "select none"]]],
  ["One picture", [["→ N · ← P", "next, previous"], ["K X R U", "decide, and go on"], ["Z", "pixels or whole"], ["+ −", "zoom"], [", .", "slide before and after"], ["S", "compare or single"], ["Esc", "back"]]],
  ["Placement", [["← → ↑ ↓", "move one pixel, with Shift ten"], ["+ −", "scale"], ["F", "flip"], ["G H", "ground line up, down"], ["[ ]", "turn the light"]]],
  ["Masks", [["← → ↑ ↓", "move the brush, with Shift far"], ["Space", "paint"], ["E", "paint or erase"], ["[ ]", "brush size"]]],
];

function help() {
  const dialog = document.getElementById("help");
  const groups = KEYS.map(([title, rows]) =>
    h("section", {}, h("h3", {}, title), h("dl", {}, rows.map(([keys, about]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, about)]))));
  clear(dialog, h("h2", { id: "help-title" }, "Keyboard"), h("div", { class: "columns" }, groups),
    h("p", { class: "quiet" }, "The same as an HTTP API: ", h("a", { class: "button", href: "/api" }, "/api")),
    h("form", { method: "dialog" }, h("button", {}, "Close")));
  dialog.showModal();
}

function showPill(job) {
  const pill = document.getElementById("pill");
  const busy = ["queued", "running", "stopping"].includes(job.state);
  if (job.state === "queued" && pill.dataset.job) return;
  if (!busy && pill.dataset.job !== job.id) return;
  pill.hidden = !busy && job.state === "cancelled";
  pill.dataset.job = busy ? job.id : "";
  pill.dataset.state = job.state;
  const done = job.made + job.failed;
  const left = job.seconds_left === null ? "" : ` · ${duration(job.seconds_left)} left`;
  const words = { queued: "waiting", running: job.to_do ? `${done} of ${job.to_do}${left}` : "starting", stopping: "stopping",
    done: job.failed ? `done, ${job.failed} failed` : "done", failed: "job failed", cancelled: "stopped" };
  clear(pill, h("span", { class: "dot" }), words[job.state]);
  pill.style.setProperty("--done", job.to_do ? done / job.to_do : 0);
  if (!busy) setTimeout(() => { if (pill.dataset.job === "") pill.hidden = true; }, 6000);
}

function theme() {
  const root = document.documentElement;
  const stored = localStorage.getItem("theme");
  if (stored) root.dataset.theme = stored;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
}

theme();
document.getElementById("help-button").addEventListener("click", help);
addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event)) help();
});
addEventListener("hashchange", guarded(arrive));
hear("gallery", hideMeaningless);
hear("job", showPill);
hear("hello", async () => (await get("/api/jobs")).jobs.filter((job) => job.state === "running").forEach(showPill));
connect();
show();
