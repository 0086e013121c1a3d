// One large picture, or two to compare with a slider; zoom down to pixels, drag to pan.

import { clamp, h } from "../dom.js";

const MOST = 8;

export class Stage {
  constructor() {
    this.split = 50;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.before = h("img", { class: "before", alt: "", draggable: "false" });
    this.after = h("img", { class: "after", alt: "", draggable: "false" });
    this.line = h("div", { class: "divider", "aria-hidden": "true" }, h("span", {}, "⟺"));
    this.plane = h("div", { class: "plane" }, this.after, this.before, this.line);
    this.frame = h("div", { class: "stage" }, this.plane);
    this.slider = h("input", { type: "range", min: 0, max: 100, step: 0.5, value: "50", "aria-label": "Before and after",
      oninput: () => this.slide(Number(this.slider.value)) });
    this.zoomText = h("output", {}, "fit");
    this.controls = h("div", { class: "stage-controls" },
      h("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
        h("button", { type: "button", onclick: () => this.zoom(1 / 1.5), "aria-label": "Smaller" }, "−"), this.zoomText,
        h("button", { type: "button", onclick: () => this.zoom(1.5), "aria-label": "Larger" }, "+"),
        h("button", { type: "button", onclick: () => this.toggle() }, "1:1")),
      this.slider);
    this.element = h("div", { class: "stage-box" }, this.frame, this.controls);
    this.after.addEventListener("load", () => this.arrived());
    this.watchPointer();
    this.resized = new ResizeObserver(() => this.fitted && this.fit());
    this.resized.observe(this.frame);
  }

  /** Shows a picture, beside an earlier one where there is one; `part` = edges of what the picture shows of the earlier one. */
  show(after, before = null, part = null) {
    this.part = part || [0, 0, 1, 1];
    const [left, top, right, bottom] = this.part;
    const [wide, tall] = [100 / (right - left), 100 / (bottom - top)];
    Object.assign(this.before.style, { left: `${-left * wide}%`, top: `${-top * tall}%`, width: `${wide}%`, height: `${tall}%` });
    this.comparing = before !== null;
    this.element.classList.toggle("comparing", this.comparing);
    this.after.alt = after.label;
    if (this.after.getAttribute("src") !== after.url) this.after.src = after.url;
    if (before) {
      this.before.alt = `before: ${before.label}`;
      this.before.src = before.url;
    } else this.before.removeAttribute("src");
    this.slide(this.split);
  }

  /** A picture of the same size keeps the place that is looked at; any other is shown whole. */
  arrived() {
    const size = `${this.after.naturalWidth}×${this.after.naturalHeight}`;
    if (this.fitted === false && size === this.size) this.apply();
    else this.fit();
    this.size = size;
  }

  get fitScale() {
    const { clientWidth: wide, clientHeight: tall } = this.frame;
    return Math.min(wide / (this.after.naturalWidth || 1), tall / (this.after.naturalHeight || 1));
  }

  fit() {
    if (!this.after.naturalWidth) return;
    this.size = `${this.after.naturalWidth}×${this.after.naturalHeight}`;
    this.fitted = true;
    this.scale = this.fitScale;
    this.x = (this.frame.clientWidth - this.after.naturalWidth * this.scale) / 2;
    this.y = (this.frame.clientHeight - this.after.naturalHeight * this.scale) / 2;
    this.apply();
  }

  /** Whole picture ↔ one picture pixel per screen pixel. */
  toggle() {
    if (this.fitted) this.zoomTo(1 / devicePixelRatio);
    else this.fit();
  }

  zoom(factor, point) {
    this.zoomTo(this.scale * factor, point);
  }

  zoomTo(scale, point = { x: this.frame.clientWidth / 2, y: this.frame.clientHeight / 2 }) {
    this.size = `${this.after.naturalWidth}×${this.after.naturalHeight}`;
    const wanted = clamp(scale, this.fitScale, MOST);
    this.x = point.x - ((point.x - this.x) * wanted) / this.scale;
    this.y = point.y - ((point.y - this.y) * wanted) / this.scale;
    this.scale = wanted;
    this.fitted = wanted <= this.fitScale * 1.001;
    if (this.fitted) this.fit();
    else this.apply();
  }

  slide(percent) {
    this.split = clamp(percent, 0, 100);
    this.slider.value = this.split;
    const [left, top, right, bottom] = this.part || [0, 0, 1, 1];
    const shown = (left + (right - left) * (this.split / 100)) * 100;
    this.before.style.clipPath = `inset(${top * 100}% ${100 - shown}% ${100 - bottom * 100}% ${left * 100}%)`;
    this.line.style.left = `${this.split}%`;
  }

  apply() {
    this.plane.style.width = `${this.after.naturalWidth}px`;
    this.plane.style.height = `${this.after.naturalHeight}px`;
    this.plane.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.plane.style.setProperty("--unscale", 1 / this.scale);
    this.plane.classList.toggle("pixels", this.scale * devicePixelRatio > 2);
    this.zoomText.textContent = this.fitted ? "fit" : `${Math.round(this.scale * devicePixelRatio * 100)} %`;
  }

  watchPointer() {
    const { frame } = this;
    frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 400), { x: event.clientX - box.left, y: event.clientY - box.top });
    }, { passive: false });
    frame.addEventListener("dblclick", () => this.toggle());
    frame.addEventListener("pointerdown", (event) => {
      frame.setPointerCapture(event.pointerId);
      const sliding = this.comparing && (this.fitted || event.target.closest(".divider"));
      let last = event;
      const move = (now) => {
        if (sliding) this.slide((((now.clientX - frame.getBoundingClientRect().left - this.x) / this.scale) / this.after.naturalWidth) * 100);
        else if (!this.fitted) {
          this.x += now.clientX - last.clientX;
          this.y += now.clientY - last.clientY;
          this.apply();
        }
        last = now;
      };
      if (sliding) move(event);
      frame.addEventListener("pointermove", move);
      const end = () => frame.removeEventListener("pointermove", move);
      frame.addEventListener("pointerup", end, { once: true });
      frame.addEventListener("pointercancel", end, { once: true });
    });
  }
}
