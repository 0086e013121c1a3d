// Routes between the views, and what all of them share: theme, help, the pill that shows the running job.

import { get } from "./api.js";
import { clear, complain, duration, h, isTyping } from "./dom.js";
import { connect, hear } from "./live.js";

const VIEWS = {
  "": () => import("./gallery.js"),
  item: () => import("./viewer.js"),
  placement: () => import("./placement.js"),
  masks: () => import("./masks.js"),
  pairs: () => import("./pairs.js"),
  inputs: () => import("./inputs.js"),
  runs: () => import("./runs.js"),
};
const view = document.getElementById("view");
let leaving = new AbortController();

async function show() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  if (path === "view") return;
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  for (const link of document.querySelectorAll("nav a")) {
    const own = link.getAttribute("href").replace(/^#\/?/, "");
    if (own === (name === "item" ? "" : name)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const module = await (VIEWS[name] || VIEWS[""])();
    if (signal.aborted) return;
    view.className = `view-${name || "gallery"}`;
    await module.show(view, { words: rest, query: new URLSearchParams(query), signal });
  } catch (problem) {
    if (signal.aborted || problem.name === "AbortError") return;
    clear(view, h("div", { class: "empty" }, h("h2", {}, "That did not work"), h("p", {}, problem.message), problem.remedy ? h("code", {}, problem.remedy) : ""));
    complain(problem);
  }
}

const KEYS = [
  ["Gallery", [["← → ↑ ↓", "move"], ["Enter", "open"], ["K", "keep"], ["X", "reject"], ["R", "redo"], ["U", "take the decision back"], ["/", "search"]]],
  ["One picture", [["→ N · ← P", "next, previous"], ["K X R U", "decide, and go on"], ["Z", "pixels or whole"], ["+ −", "zoom"], [", .", "slide before and after"], ["S", "compare or single"], ["Esc", "back"]]],
  ["Placement", [["← → ↑ ↓", "move one pixel, with Shift ten"], ["+ −", "scale"], ["F", "flip"], ["G H", "ground line up, down"], ["[ ]", "turn the light"], ["Ctrl Z", "undo"], ["Ctrl S", "save"]]],
  ["Masks", [["← → ↑ ↓", "move the brush, with Shift far"], ["Space", "paint"], ["E", "paint or erase"], ["[ ]", "brush size"], ["Ctrl Z", "undo"], ["Ctrl S", "save"]]],
];

function help() {
  const dialog = document.getElementById("help");
  const groups = KEYS.map(([title, rows]) =>
    h("section", {}, h("h3", {}, title), h("dl", {}, rows.map(([keys, about]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, about)]))));
  clear(dialog, h("h2", { id: "help-title" }, "Keyboard"), h("div", { class: "columns" }, groups),
    h("p", { class: "quiet" }, "The same as an HTTP API: ", h("a", { href: "/api" }, "/api")),
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
addEventListener("hashchange", show);
hear("job", showPill);
hear("hello", async () => (await get("/api/jobs")).jobs.filter((job) => job.state === "running").forEach(showPill));
connect();
show();
