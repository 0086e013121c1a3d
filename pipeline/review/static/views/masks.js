// The mask editor: a brush on the agnostic or the cloth mask; saving makes it an artefact edited by hand.

import { file, get, put, remove, submit } from "../api.js";
import { chooser, clamp, clear, entitle, field, guarded, h, isTyping, readable, toast } from "../dom.js";
import { hear } from "../live.js";
import { Steps } from "../steps.js";
import { watch } from "../unsaved.js";

const STEPS_BACK = 16;
const NAMES = { agnostic: "what is repainted", cloth: "outline of the garment" };
const CATEGORIES = { upper: "", lower: " (lower body)", dress: " (dress)" };
const INSIDE = [226, 72, 72];

export async function show(view, { words: [kind, id], query, signal }) {
  const { masks } = await get("/api/masks", { signal });
  if (!masks.length) {
    clear(view, h("div", { class: "empty" }, h("h1", {}, "No masks yet"), h("p", {}, "They appear when the pictures have been made once.")));
    return;
  }
  const wanted = masks.find((each) => each.kind === kind && each.id === id && (!query.get("category") || each.category === query.get("category"))) || masks[0];
  const editor = new MaskEditor(view, masks, wanted, signal);
  entitle(`Mask of ${readable(wanted.id)}`);
  watch({ what: `the mask of ${readable(wanted.id)}`, changed: () => editor.changed, save: () => editor.save() }, signal);
  await editor.load();
}

class MaskEditor {
  constructor(view, masks, chosen, signal) {
    this.masks = masks;
    this.chosen = chosen;
    this.signal = signal;
    this.size = 36;
    this.erasing = false;
    this.zoom = 1;
    this.cursor = { x: 384, y: 512 };
    this.steps = new Steps(STEPS_BACK);
    this.strokes = 0;
    this.shown = this.saved = 0; // numbers of what the sheet shows and of what the file holds
    this.under = h("img", { alt: "", draggable: "false" });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.brush = h("div", { class: "brush" });
    this.sheet = h("div", { class: "sheet" }, this.under, this.canvas, this.brush);
    this.area = h("div", { class: "mask-area", tabindex: 0, role: "application", "aria-label": "Mask. Arrow keys move the brush, Space paints, E switches to erasing." }, this.sheet);
    this.side = h("aside", { "aria-label": "Mask" });
    clear(view, h("h1", { class: "unseen" }, "Masks"), h("div", { class: "editor" }, this.area, this.side));
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.watchPointer();
    new ResizeObserver(() => this.layout()).observe(this.area);
    addEventListener("keydown", guarded((event) => this.drive(event)), { signal });
    hear("job", (job) => { if (job.state === "done" && job.id === this.job) { toast("the pictures are made"); this.job = null; if (!this.state.size || this.waits) this.load(); } }, signal);
  }

  get changed() { return this.shown !== this.saved; }
  get path() { return `/api/masks/${this.chosen.kind}/${encodeURIComponent(this.chosen.id)}?category=${this.chosen.category}`; }

  async load() {
    this.state = await get(this.path, { signal: this.signal });
    this.waits = false;
    this.strokes += 1;
    this.shown = this.saved = this.strokes;
    this.drawSide();
    if (!this.state.size) {
      clear(this.sheet, h("p", { class: "empty" }, "This mask is not made yet."));
      return;
    }
    const [tall, wide] = this.state.size;
    this.canvas.width = wide;
    this.canvas.height = tall;
    this.under.src = file(this.state.under, this.state.under_version);
    const mask = new Image();
    mask.src = file(this.state.mask, this.state.version);
    await mask.decode();
    this.pen.clearRect(0, 0, wide, tall);
    this.pen.drawImage(mask, 0, 0, wide, tall);
    this.tint();
    this.layout();
  }

  /** Grey values of the file become a see-through colour: alpha says inside. */
  tint() {
    const pixels = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const { data } = pixels;
    for (let place = 0; place < data.length; place += 4) {
      const inside = data[place] >= 128 ? 255 : 0;
      [data[place], data[place + 1], data[place + 2]] = INSIDE;
      data[place + 3] = inside;
    }
    this.pen.putImageData(pixels, 0, 0);
  }

  layout() {
    if (!this.state?.size) return;
    const [tall, wide] = this.state.size;
    const fit = Math.min((this.area.clientHeight - 16) / tall, (this.area.clientWidth - 16) / wide);
    this.scale = fit * this.zoom;
    this.sheet.style.width = `${wide * this.scale}px`;
    this.sheet.style.height = `${tall * this.scale}px`;
    this.showBrush();
  }

  showBrush() {
    const { style } = this.brush;
    style.left = `${this.cursor.x * this.scale}px`;
    style.top = `${this.cursor.y * this.scale}px`;
    style.width = style.height = `${this.size * this.scale}px`;
    style.borderStyle = this.erasing ? "dashed" : "solid";
  }

  // ---- painting ---------------------------------------------------------------------------------------------------------

  now() {
    return { number: this.shown, pixels: this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height) };
  }

  remember() {
    this.steps.remember(this.now());
    this.strokes += 1;
    this.shown = this.strokes;
  }

  stroke(from, to) {
    const { pen } = this;
    pen.globalCompositeOperation = this.erasing ? "destination-out" : "source-over";
    pen.strokeStyle = `rgb(${INSIDE})`;
    pen.lineWidth = this.size;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x + 0.01, to.y);
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
  }

  turn(back) {
    const found = back ? this.steps.back(this.now()) : this.steps.forth(this.now());
    if (!found) return toast(back ? "nothing to undo here" : "nothing to redo");
    this.pen.putImageData(found.pixels, 0, 0);
    this.shown = found.number;
    this.drawSide();
    return undefined;
  }

  watchPointer() {
    const point = (event) => {
      const box = this.sheet.getBoundingClientRect();
      return { x: (event.clientX - box.left) / this.scale, y: (event.clientY - box.top) / this.scale };
    };
    this.sheet.addEventListener("pointermove", (event) => { this.cursor = point(event); this.showBrush(); });
    this.sheet.addEventListener("pointerdown", (event) => {
      if (!this.state?.size) return;
      event.preventDefault();
      this.area.focus({ preventScroll: true });
      this.sheet.setPointerCapture(event.pointerId);
      this.remember();
      let last = point(event);
      this.stroke(last, last);
      const move = (now) => { const next = point(now); this.stroke(last, next); last = next; };
      this.sheet.addEventListener("pointermove", move);
      const end = () => { this.sheet.removeEventListener("pointermove", move); this.drawSide(); };
      this.sheet.addEventListener("pointerup", end, { once: true });
      this.sheet.addEventListener("pointercancel", end, { once: true });
    });
  }

  /** The mask as the file wants it: black and white, opaque, hard edges. */
  async png() {
    const pixels = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const { data } = pixels;
    for (let place = 0; place < data.length; place += 4) {
      const value = data[place + 3] >= 128 ? 255 : 0;
      data[place] = data[place + 1] = data[place + 2] = value;
      data[place + 3] = 255;
    }
    const sheet = new OffscreenCanvas(this.canvas.width, this.canvas.height);
    sheet.getContext("2d").putImageData(pixels, 0, 0);
    return sheet.convertToBlob({ type: "image/png" });
  }

  // ---- side panel -------------------------------------------------------------------------------------------------------

  drawSide() {
    const key = (each) => `${each.kind}/${each.id}/${each.category}`;
    const mode = (text, erasing) => h("button", { type: "button", "aria-pressed": String(this.erasing === erasing), onclick: () => { this.erasing = erasing; this.showBrush(); this.drawSide(); } }, text);
    clear(this.side,
      this.buttons(),
      field("Mask", chooser(this.masks.map((each) => [key(each), `${readable(each.id)} · ${NAMES[each.kind]}${CATEGORIES[each.category] ?? ""}`]), key(this.chosen), (value) => {
        const next = this.masks.find((each) => key(each) === value);
        location.hash = `#/masks/${next.kind}/${encodeURIComponent(next.id)}?category=${next.category}`;
      }, "Mask")),
      h("small", {}, this.chosen.kind === "agnostic" ? "The try-on repaints the red area; everything else of the photo stays." : "Red is the garment; everything else is background. What you erase is removed from the cloth picture too."),
      h("div", { class: "segmented", role: "group", "aria-label": "Brush" }, mode("Paint", false), mode("Erase", true)),
      field("Brush size", h("input", { type: "range", min: 4, max: 200, value: String(this.size), oninput: (event) => { this.size = Number(event.target.value); this.showBrush(); } })),
      field("Zoom", h("input", { type: "range", min: 1, max: 6, step: 0.25, value: String(this.zoom), oninput: (event) => { this.zoom = Number(event.target.value); this.layout(); } })),
      h("button", { type: "button", onclick: guarded(() => this.automatic()) }, "Automatic again"));
  }

  /** Always in sight: above the settings, at the lower edge of a phone. */
  buttons() {
    return h("div", { class: "savebar", role: "group", "aria-label": "Save" },
      h("button", { type: "button", class: "strong", disabled: !this.changed, onclick: guarded(() => this.save()) }, "Save ", h("kbd", {}, "Ctrl S")),
      h("button", { type: "button", onclick: guarded(() => this.saveAndRun()) }, "Save and make"),
      h("button", { type: "button", disabled: !this.steps.past.length, title: "Ctrl Z", onclick: () => this.turn(true) }, "Undo"),
      h("button", { type: "button", disabled: !this.steps.future.length, title: "Ctrl Shift Z", onclick: () => this.turn(false) }, "Redo"));
  }

  /** The address of a change, with the version that it starts from. */
  based() {
    return `${this.path}${this.path.includes("?") ? "&" : "?"}base=${encodeURIComponent(this.state.version)}`;
  }

  async save() {
    const { shown } = this;
    try {
      this.state = await put(this.based(), await this.png());
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      await this.takeNewer(problem);
      return false;
    }
    this.saved = shown;
    toast("mask saved: it is used from now on");
    this.drawSide();
    return true;
  }

  /** Somebody else saved meanwhile: theirs is shown, and undo brings back what was painted here. */
  async takeNewer(problem) {
    const before = this.now();
    const { version } = this.state;
    await this.load();
    if (this.state.version === version) throw problem;
    this.steps.remember(before);
    this.drawSide();
    toast("the mask was changed meanwhile; this is the newer one", "Undo brings yours back, Save then writes it", true);
  }

  async saveAndRun() {
    if (this.changed && !(await this.save())) return;
    this.job = (await submit({ steps: this.state.steps, only: [this.state.only] })).id;
    toast("the pictures with it are made again");
  }

  /** The mask that the program finds; undo brings back the one before. */
  async automatic() {
    this.steps.remember(this.now());
    this.state = await remove(this.based());
    this.waits = true;
    this.job = (await submit({ steps: [...new Set([this.chosen.kind === "cloth" ? "cloth" : "parsing", ...this.state.steps])], only: [this.state.only] })).id;
    this.shown = this.saved;
    this.drawSide();
    toast("the automatic mask is made again; undo brings yours back");
  }

  async drive(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const commands = { z: () => this.turn(!event.shiftKey), y: () => this.turn(false), s: () => (this.changed ? this.save() : undefined) };
    if ((event.ctrlKey || event.metaKey) && commands[key]) {
      event.preventDefault();
      await commands[key]();
      return;
    }
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const far = event.shiftKey ? 40 : 6;
    const move = (dx, dy) => {
      this.cursor = { x: clamp(this.cursor.x + dx, 0, this.canvas.width), y: clamp(this.cursor.y + dy, 0, this.canvas.height) };
      this.showBrush();
    };
    const work = {
      ArrowLeft: () => move(-far, 0), ArrowRight: () => move(far, 0), ArrowUp: () => move(0, -far), ArrowDown: () => move(0, far),
      e: () => { this.erasing = !this.erasing; this.showBrush(); this.drawSide(); },
      "[": () => { this.size = Math.max(4, this.size - 4); this.showBrush(); this.drawSide(); }, "]": () => { this.size = Math.min(200, this.size + 4); this.showBrush(); this.drawSide(); },
    }[key];
    const painting = key === " " && event.target === this.area;
    if (!work && !painting) return;
    event.preventDefault();
    if (work) work();
    else { this.remember(); this.stroke(this.cursor, this.cursor); this.drawSide(); }
  }
}
