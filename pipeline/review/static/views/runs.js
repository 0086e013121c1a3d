// Start, follow and stop jobs.

import { get, post, submit } from "../api.js";
import { drawBroken } from "../broken.js";
import { clear, duration, field, guarded, h, toast } from "../dom.js";
import { hear } from "../live.js";

const STEPS = [["background", "cut people out"], ["pose", "find their pose"], ["densepose", "find the parts of the body"], ["parsing", "find what they wear"], ["cloth", "cut garments out"], ["tryon", "dress"], ["compose", "put on backgrounds"]];
const IN_WORDS = Object.fromEntries(STEPS);
const STATES = { queued: "waiting", running: "running", stopping: "stopping", done: "done", failed: "failed", cancelled: "stopped" };
const BUSY = ["queued", "running", "stopping"];
const stepWords = (steps) => (steps.includes("all") ? "everything" : steps.map((step) => IN_WORDS[step] || step).join(", "));

export async function show(view, { signal }) {
  const list = h("div", { class: "jobs" });
  const summary = h("p", { class: "quiet" });
  const broken = h("div", { class: "stack" });
  clear(view, h("div", { class: "plain" }, h("div", {}, h("h1", {}, "Runs"), summary), broken, starter(), list));
  const jobs = new Map();
  const draw = () => clear(list, [...jobs.values()].map(card));
  const load = guarded(async () => {
    const [found, status] = await Promise.all([get("/api/jobs", { signal }), get("/api/status", { signal }), drawBroken(broken, load)]);
    jobs.clear();
    found.jobs.forEach((job) => jobs.set(job.id, job));
    summary.textContent = `${status.people} people · ${status.garments} garments · ${status.backgrounds} backgrounds · ${status.done} of ${status.pictures} pictures made · engine ${status.engines.join(", ") || "none yet"}`;
    draw();
  });
  hear("job", (job) => {
    const known = jobs.has(job.id);
    jobs.set(job.id, job);
    if (known && !list.contains(document.activeElement)) draw();
    else if (known) refreshCard(list, job);
    else load();
  }, signal);
  hear("afresh", load, signal);
  await load();
}

function starter() {
  const boxes = STEPS.map(([step, about], number) => h("label", { class: "check" }, h("input", { type: "checkbox", name: step, checked: true }), `${number + 1} ${about}`));
  const only = h("input", { type: "text", placeholder: "everybody, everything" });
  const option = (name, text) => h("label", { class: "check" }, h("input", { type: "checkbox", name }), text);
  const form = h("form", { class: "panel start", onsubmit: guarded(async (event) => {
    event.preventDefault();
    const steps = STEPS.map(([step]) => step).filter((step) => form.elements[step].checked);
    if (!steps.length) return toast("choose at least one step");
    await submit({ steps: steps.length === STEPS.length ? ["all"] : steps, only: only.value.split(/[\s,]+/).filter(Boolean), force: form.elements.force.checked, retry_failed: form.elements.retry.checked, retry_bad: Number(form.elements.bad.value) });
    return undefined;
  }) },
  h("div", { class: "row between" }, h("p", { class: "quiet" }, "Makes what is missing or changed since."), h("button", { type: "submit", class: "strong" }, "Start")),
  h("details", {}, h("summary", {}, "Choose what is made"),
    h("div", { class: "start" },
      field("Only these names (* stands for anything, spaces between)", only),
      h("fieldset", { class: "steps bare" }, h("legend", { class: "quiet" }, "Steps"), boxes),
      option("retry", "Try again what failed"),
      option("force", "Make everything again, and replace what was changed by hand"),
      h("label", { class: "check" }, "Draw pictures with a low score again, at most", h("input", { type: "number", name: "bad", class: "short", min: 0, max: 20, value: 0, "aria-label": "Draw pictures with a low score again, at most so many times" }), "times, and keep the best"))));
  return form;
}

function card(job) {
  const busy = BUSY.includes(job.state);
  const done = job.made + job.failed;
  const left = job.seconds_left === null ? "" : `about ${duration(job.seconds_left)} left`;
  const facts = [stepWords(job.steps), job.only.length ? `only ${job.only.slice(0, 4).join(", ")}${job.only.length > 4 ? " …" : ""}` : "", job.force ? "all again" : ""].filter(Boolean).join(" · ");
  const bars = job.stages.filter((each) => each.to_do).map((each) => [
    h("span", {}, IN_WORDS[each.stage] || each.stage),
    h("progress", { max: each.to_do, value: each.made + each.failed, "aria-label": `${each.stage}: ${each.made} of ${each.to_do}` }),
    h("span", { class: "quiet" }, `${each.made}/${each.to_do}${each.failed ? `, ${each.failed} failed` : ""}`)]);
  return h("article", { class: "panel job", "data-job": job.id },
    h("div", { class: "row between" },
      h("h2", {}, h("span", { class: `state ${job.state}` }, STATES[job.state]), facts, h("small", {}, job.created.replace("T", " "))),
      busy ? h("button", { type: "button", onclick: guarded(() => post(`/api/jobs/${job.id}/cancel`)) }, job.state === "stopping" ? "Stop at once" : "Stop")
        : h("button", { type: "button", onclick: guarded(() => submit({ steps: job.steps, only: job.only, force: job.force })) }, "Run again")),
    bars.length ? h("div", { class: "bars" }, bars) : "",
    h("p", { class: "quiet" }, busy ? [job.to_do ? `${done} of ${job.to_do}` : job.state === "queued" ? "waits for its turn" : "loading", left].filter(Boolean).join(" · ")
      : `${job.made} made${job.failed ? `, ${job.failed} failed` : ""} in ${duration(job.seconds)}`),
    job.message ? h("div", { class: "notice bad" }, h("p", {}, job.message), job.remedy ? h("code", {}, job.remedy) : "") : "",
    job.failures.length ? h("details", {}, h("summary", {}, `${job.failed} failed`), h("div", { class: "row" }, h("button", { type: "button", onclick: guarded(() => submit({ steps: job.steps, only: job.only, sizes: job.sizes, format: job.format, layers: job.layers, retry_failed: true })) }, "Try again what failed"), h("a", { class: "button", href: "#/?state=failed" }, "Show them")),
      h("table", { class: "small" }, job.failures.map((each) =>
      h("tr", {}, h("td", {}, IN_WORDS[each.stage] || each.stage), h("td", {}, each.item), h("td", {}, each.message, each.remedy ? h("div", {}, h("code", {}, each.remedy)) : ""))))) : "");
}

function refreshCard(list, job) {
  const old = list.querySelector(`[data-job="${job.id}"]`);
  if (!old) return;
  const focused = old.contains(document.activeElement);
  const fresh = card(job);
  old.replaceWith(fresh);
  if (focused) fresh.querySelector("button")?.focus();
}
