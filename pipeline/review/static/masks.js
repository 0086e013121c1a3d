// The mask editor: a brush on the agnostic or the cloth mask; saving makes it an artefact edited by hand.

import { file, get, put, remove, submit } from "./api.js";
import { clamp, clear, field, guarded, h, isTyping, readable, select, toast } from "./dom.js";
import { hear } from "./live.js";

const STEPS_BACK = 16;
const INSIDE = [226, 72, 72];

export async function show(view, { words: [kind, id], query, signal }) {
  const { masks } = await get("/api/masks", { signal });
  if (!masks.length) {
    clear(view, h("div", { class: "empty" }, h("h2", {}, "No masks yet"), h("p", {}, "They appear when the parsing and cloth steps have run.")));
    return;
  }
  const wanted = masks.find((each) => each.kind === kind && each.id === id && (!query.get("category") || each.category === query.get("category"))) || masks[0];
  const editor = new MaskEditor(view, masks, wanted, signal);
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
    this.past = [];
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
    addEventListener("beforeunload", (event) => { if (this.dirty) event.preventDefault(); }, { signal });
    hear("job", (job) => { if (job.state === "done" && job.id === this.job) { toast("what follows is made"); this.job = null; if (!this.state.size) this.load(); } }, signal);
  }

  get path() { return `/api/masks/${this.chosen.kind}/${encodeURIComponent(this.chosen.id)}?category=${this.chosen.category}`; }

  async load() {
    this.state = await get(this.path, { signal: this.signal });
    this.past = [];
    this.dirty = false;
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

  remember() {
    this.past.push(this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.past.length > STEPS_BACK) this.past.shift();
    this.dirty = true;
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

  undo() {
    const last = this.past.pop();
    if (!last) return toast("nothing to undo");
    this.pen.putImageData(last, 0, 0);
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
    const names = { agnostic: "agnostic", cloth: "cloth" };
    const mode = (text, erasing) => h("button", { type: "button", "aria-pressed": String(this.erasing === erasing), onclick: () => { this.erasing = erasing; this.showBrush(); this.drawSide(); } }, text);
    clear(this.side,
      field("Mask", select(this.masks.map((each) => [key(each), `${readable(each.id)} · ${names[each.kind]}${each.category === "upper" ? "" : ` (${each.category})`}`]), key(this.chosen), (value) => {
        const next = this.masks.find((each) => key(each) === value);
        location.hash = `#/masks/${next.kind}/${encodeURIComponent(next.id)}?category=${next.category}`;
      }, "Mask")),
      h("small", {}, this.chosen.kind === "agnostic" ? "The try-on repaints the red area; everything else of the photo stays." : "Red is the garment; everything else is background. What you erase is removed from the cloth picture too."),
      h("div", { class: "segmented", role: "group", "aria-label": "Brush" }, mode("Paint", false), mode("Erase", true)),
      field("Brush size", h("input", { type: "range", min: 4, max: 200, value: String(this.size), oninput: (event) => { this.size = Number(event.target.value); this.showBrush(); } })),
      field("Zoom", h("input", { type: "range", min: 1, max: 6, step: 0.25, value: String(this.zoom), oninput: (event) => { this.zoom = Number(event.target.value); this.layout(); } })),
      h("div", { class: "stack" },
        h("button", { type: "button", class: "strong", disabled: !this.dirty, onclick: guarded(() => this.save()) }, "Save ", h("kbd", {}, "Ctrl S")),
        h("button", { type: "button", onclick: guarded(() => this.saveAndRun()) }, "Save and redo what follows"),
        h("div", { class: "row" },
          h("button", { type: "button", disabled: !this.past.length, onclick: () => { this.undo(); this.drawSide(); } }, "Undo"),
          h("button", { type: "button", onclick: guarded(() => this.automatic()) }, "Automatic again"))));
  }

  /** The address of a change, with the version that it starts from. */
  based() {
    return `${this.path}${this.path.includes("?") ? "&" : "?"}base=${encodeURIComponent(this.state.version)}`;
  }

  async save() {
    this.state = await put(this.based(), await this.png());
    this.dirty = false;
    toast("mask saved; the program respects it from now on");
    this.drawSide();
  }

  async saveAndRun() {
    if (this.dirty) await this.save();
    this.job = (await submit({ steps: this.state.steps, only: [this.state.only] })).id;
    toast("what follows is being made");
  }

  async automatic() {
    this.state = await remove(this.based());
    this.job = (await submit({ steps: [...new Set([this.chosen.kind === "cloth" ? "cloth" : "parsing", ...this.state.steps])], only: [this.state.only] })).id;
    this.dirty = false;
    toast("the automatic mask is being made again");
  }

  async drive(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "s")) {
      event.preventDefault();
      if (key === "s") await this.save();
      else { this.undo(); this.drawSide(); }
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
