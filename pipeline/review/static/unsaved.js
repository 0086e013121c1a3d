// What is not saved is never lost by leaving: whoever leaves a view is asked, whoever closes the tab is warned.

import { clear, complain, h } from "./dom.js";

let watched = null;

/** Watches a view until it is left: `changed()` says whether something is unsaved, `save()` saves it and says whether it did, `what` names it. */
export function watch(work, signal) {
  watched = work;
  addEventListener("beforeunload", (event) => { if (work.changed()) event.preventDefault(); }, { signal });
  signal.addEventListener("abort", () => { if (watched === work) watched = null; });
}

export const unsaved = () => Boolean(watched?.changed());

/** Whether the view may be left; saves or forgets before, as the user decides. */
export async function mayLeave() {
  if (!unsaved()) return true;
  const answer = await ask(watched.what);
  if (answer === "forget") watched = null;
  if (answer !== "save") return answer === "forget";
  try {
    return (await watched.save()) && !unsaved(); // not saved where somebody else saved meanwhile
  } catch (problem) {
    complain(problem);
    return false;
  }
}

function ask(what) {
  const dialog = document.getElementById("ask");
  const button = (value, text, kind = "") => h("button", { value, class: kind }, text);
  clear(dialog, h("h2", { id: "ask-title" }, `Save ${what}?`), h("p", { class: "quiet" }, "There are changes that are not saved."),
    h("form", { method: "dialog", class: "row" }, button("save", "Save", "strong"), button("forget", "Do not save"), button("stay", "Stay here")));
  dialog.returnValue = "stay";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}
