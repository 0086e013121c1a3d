// Small tools for building the page: elements, messages, numbers.

/** An element. `on*` properties are listeners, `class`, `data-*`, `aria-*` and others are attributes; text is never parsed as HTML. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string" && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...parts(children));
  return element;
}

const parts = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");

/** Replaces everything inside an element. */
export const clear = (element, ...children) => (element.replaceChildren(...parts(children)), element);

/** A short message; problems stay longer and say what helps. `action` is a button: its text, and what it does. */
export function toast(text, remedy = "", bad = false, action = null) {
  const note = h("div", { class: bad ? "toast bad" : "toast" }, h("span", {}, text), remedy ? h("code", {}, remedy) : null);
  if (action) note.append(h("button", { type: "button", onclick: () => { note.remove(); action[1](); } }, action[0]));
  const close = h("button", { type: "button", class: "icon", "aria-label": "Dismiss", onclick: () => note.remove() }, "×");
  note.append(close);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), bad || action ? 12000 : 3500);
}

export const complain = (problem) => toast(problem.message || String(problem), problem.remedy || "", true);

/** Wraps a handler so that a refusal of the server is shown and not lost. */
export const guarded = (work) => async (...given) => {
  try {
    return await work(...given);
  } catch (problem) {
    if (problem.name !== "AbortError") complain(problem);
    return undefined;
  }
};

/** The name of the view in the tab and for screen readers. */
export function entitle(text) {
  document.title = `${text} · Lookbook`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const readable = (id) => id.replaceAll("_", " ");
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** A labelled control: the label's text, then the control. */
export const field = (label, control, hint = "") =>
  h("label", { class: "field" }, h("span", {}, label), control, hint ? h("small", {}, hint) : null);

export function select(options, value, onchange, label) {
  const rows = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  return h("select", { onchange: (event) => onchange(event.target.value), "aria-label": label }, rows);
}

/** A choice that leads to another view; it shows its own until that is there, because whoever has unsaved work may stay. */
export function chooser(options, value, go, label) {
  const box = select(options, value, (wanted) => {
    box.value = value;
    go(wanted);
  }, label);
  return box;
}

/** Whether a key press belongs to a control the user is in. */
export const isTyping = (event) =>
  event.target instanceof Element && (event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea, dialog") !== null);
