// Start, follow and stop jobs.

import { get, post, submit } from "./api.js";
import { clear, duration, field, guarded, h, toast } from "./dom.js";
import { hear } from "./live.js";

const STEPS = ["background", "pose", "densepose", "parsing", "cloth", "tryon", "compose"];
const BUSY = ["queued", "running", "stopping"];

export async function show(view, { signal }) {
  const list = h("div", { class: "jobs" });
  const summary = h("p", { class: "quiet" });
  clear(view, h("div", { class: "plain" }, h("div", {}, h("h1", {}, "Runs"), summary), starter(), list));
  const jobs = new Map();
  const draw = () => clear(list, [...jobs.values()].map(card));
  const load = guarded(async () => {
    const [found, status] = await Promise.all([get("/api/jobs", { signal }), get("/api/status", { signal })]);
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
  const boxes = STEPS.map((step, number) => h("label", { class: "check" }, h("input", { type: "checkbox", name: step, checked: true }), `${number + 1} ${step}`));
  const only = h("input", { type: "text", placeholder: "everything" });
  const option = (name, text, hint) => h("label", { class: "check", title: hint }, h("input", { type: "checkbox", name }), text);
  const form = h("form", { class: "panel start", onsubmit: guarded(async (event) => {
    event.preventDefault();
    const steps = STEPS.filter((step) => form.elements[step].checked);
    if (!steps.length) return toast("choose at least one step");
    await submit({ steps: steps.length === STEPS.length ? ["all"] : steps, only: only.value.split(/[\s,]+/).filter(Boolean), force: form.elements.force.checked, retry_failed: form.elements.retry.checked, retry_bad: Number(form.elements.bad.value) });
    return undefined;
  }) },
  h("fieldset", { class: "steps bare" }, h("legend", { class: "quiet" }, "Steps"), boxes),
  h("div", { class: "two" }, field("Only (ids or patterns, with spaces between)", only),
    h("div", { class: "row" }, option("retry", "retry failed", "try again what failed with the same inputs"), option("force", "force", "redo everything, and overwrite what was edited by hand"),
      h("label", { class: "check", title: "draw pairs with a low score again from other seeds, and keep the best" }, "retry bad",
        h("input", { type: "number", name: "bad", class: "short", min: 0, max: 20, value: 0 }), "times"),
      h("button", { type: "submit", class: "strong" }, "Start"))));
  return form;
}

function card(job) {
  const busy = BUSY.includes(job.state);
  const done = job.made + job.failed;
  const left = job.seconds_left === null ? "" : `about ${duration(job.seconds_left)} left`;
  const facts = [job.steps.join(", "), job.only.length ? `only ${job.only.slice(0, 4).join(", ")}${job.only.length > 4 ? " …" : ""}` : "", job.force ? "forced" : ""].filter(Boolean).join(" · ");
  const bars = job.stages.filter((each) => each.to_do).map((each) => [
    h("span", {}, each.stage),
    h("progress", { max: each.to_do, value: each.made + each.failed, "aria-label": `${each.stage}: ${each.made} of ${each.to_do}` }),
    h("span", { class: "quiet" }, `${each.made}/${each.to_do}${each.failed ? `, ${each.failed} failed` : ""}`)]);
  return h("article", { class: "panel job", "data-job": job.id },
    h("div", { class: "row between" },
      h("h3", {}, h("span", { class: `state ${job.state}` }, job.state), facts, h("small", {}, job.created.replace("T", " "))),
      busy ? h("button", { type: "button", onclick: guarded(() => post(`/api/jobs/${job.id}/cancel`)) }, job.state === "stopping" ? "Stop at once" : "Stop")
        : h("button", { type: "button", onclick: guarded(() => submit({ steps: job.steps, only: job.only, force: job.force })) }, "Run again")),
    bars.length ? h("div", { class: "bars" }, bars) : "",
    h("p", { class: "quiet" }, busy ? [job.to_do ? `${done} of ${job.to_do}` : job.state === "queued" ? "waits for its turn" : "loading", left].filter(Boolean).join(" · ")
      : `${job.made} made${job.failed ? `, ${job.failed} failed` : ""} in ${duration(job.seconds)}`),
    job.message ? h("div", { class: "notice bad" }, h("p", {}, job.message), job.remedy ? h("code", {}, job.remedy) : "") : "",
    job.failures.length ? h("details", {}, h("summary", {}, `${job.failed} failed`), h("table", { class: "small" }, job.failures.map((each) =>
      h("tr", {}, h("td", {}, each.stage), h("td", {}, each.item), h("td", {}, each.message, each.remedy ? h("div", {}, h("code", {}, each.remedy)) : ""))))) : "");
}

function refreshCard(list, job) {
  const old = list.querySelector(`[data-job="${job.id}"]`);
  if (!old) return;
  const focused = old.contains(document.activeElement);
  const fresh = card(job);
  old.replaceWith(fresh);
  if (focused) fresh.querySelector("button")?.focus();
}
