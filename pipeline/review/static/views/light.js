// Where the head's shadow falls, as a pad seen from above and two sliders that say the same.

import { clamp, h } from "../dom.js";

const REACH = 1.5; // the pad's rim, in units of the person's height

export class LightPad {
  constructor(direction, changed) {
    this.changed = changed;
    this.dot = h("i");
    this.pad = h("div", { class: "pad", "aria-hidden": "true" }, this.dot);
    this.pad.addEventListener("pointerdown", (event) => this.drag(event));
    const slider = (label, place) => {
      const input = h("input", { type: "range", min: -REACH, max: REACH, step: 0.05, "aria-label": label, oninput: () => {
        const moved = [...this.direction];
        moved[place] = Number(input.value);
        this.tell(moved);
      } });
      return input;
    };
    this.sliders = [slider("Shadow to the right", 0), slider("Shadow away from the viewer", 1)];
    this.element = h("div", { class: "light" }, this.pad, h("div", {},
      h("label", { class: "field" }, h("span", {}, "left – right"), this.sliders[0]),
      h("label", { class: "field" }, h("span", {}, "near – far"), this.sliders[1])));
    this.set(direction);
  }

  set(direction) {
    this.direction = direction;
    this.dot.style.left = `${50 + clamp((direction[0] / REACH) * 50, -50, 50)}%`;
    this.dot.style.top = `${50 - clamp((direction[1] / REACH) * 50, -50, 50)}%`;
    this.sliders.forEach((slider, place) => { if (slider !== document.activeElement) slider.value = String(direction[place]); });
  }

  tell(direction) {
    this.set(direction.map((part) => Number(clamp(part, -REACH, REACH).toFixed(3))));
    this.changed(this.direction);
  }

  drag(event) {
    const box = this.pad.getBoundingClientRect();
    const move = (now) => this.tell([((now.clientX - box.left) / box.width - 0.5) * 2 * REACH, (0.5 - (now.clientY - box.top) / box.height) * 2 * REACH]);
    move(event);
    this.pad.setPointerCapture(event.pointerId);
    this.pad.addEventListener("pointermove", move);
    this.pad.addEventListener("pointerup", () => this.pad.removeEventListener("pointermove", move), { once: true });
  }
}
