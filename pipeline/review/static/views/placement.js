// The placement editor: drag, scale and flip a person on a background, set ground line and light, see the real composite.

import { get, picture, post, put, submit } from "../api.js";
import { chooser, clamp, clear, entitle, field, guarded, h, isTyping, readable, select, toast } from "../dom.js";
import { LightPad } from "./light.js";
import { Steps } from "../steps.js";
import { watch } from "../unsaved.js";

const MOST_HEIGHT = 1000;

export async function show(view, { words: [wanted], query, signal }) {
  const choices = await get("/api/placements", { signal });
  if (!choices.backgrounds.length || !choices.pairs.length) {
    clear(view, h("div", { class: "empty" }, h("h1", {}, "Nothing to place yet"), h("p", {}, "Add a background, and make the pictures once."),
      h("a", { class: "button", href: "#/inputs" }, "Add pictures")));
    return;
  }
  const background = wanted || choices.backgrounds[0].id;
  const state = await get(`/api/placements/${encodeURIComponent(background)}?pair=${encodeURIComponent(query.get("pair") || "")}`, { signal });
  const editor = new PlacementEditor(view, choices, state, signal);
  entitle(`Placement on ${readable(background)}`);
  watch({ what: `the placement on ${readable(background)}`, changed: () => editor.changed, save: () => editor.save() }, signal);
  await editor.refresh();
}

/** Pixels as the placement file wants them: a fraction up to 1, else pixels. */
export function asSetting(pixels, full) {
  const fraction = pixels / full;
  return fraction <= 1 ? Number(fraction.toFixed(5)) : Number(pixels.toFixed(2));
}

class PlacementEditor {
  constructor(view, choices, state, signal) {
    this.signal = signal;
    this.choices = choices;
    this.take(state);
    this.steps = new Steps();
    this.active = 0;
    this.image = h("img", { alt: `${readable(state.person)} on ${readable(state.background)}`, draggable: "false" });
    this.ghost = h("img", { class: "ghost", alt: "", draggable: "false", src: this.personUrl(state.pair) });
    this.overlay = h("div", {});
    this.scene = h("div", { class: "scene" }, this.image, this.ghost, this.overlay);
    this.canvas = h("div", { class: "canvas" }, this.scene);
    this.side = h("aside", { "aria-label": "Placement" });
    clear(view, h("h1", { class: "unseen" }, "Placement"), h("div", { class: "editor" }, this.canvas, this.side));
    new ResizeObserver(() => this.layout()).observe(this.canvas);
    addEventListener("keydown", guarded((event) => this.drive(event)), { signal });
    this.layout();
    this.drawSide();
  }

  take(state) {
    this.state = state;
    this.settings = structuredClone(state.placement_settings);
    this.arrangement = state.arrangement;
    this.saved = JSON.stringify(this.settings);
  }

  get changed() { return JSON.stringify(this.settings) !== this.saved; }
  get path() { return `/api/placements/${encodeURIComponent(this.state.background)}`; }
  personUrl(pair) { return `${this.path}/person?pair=${encodeURIComponent(pair)}`; }
  get size() { return this.arrangement.size; }
  get figure() { return this.arrangement.figures[Math.min(this.active, this.arrangement.figures.length - 1)]; }

  /** A place to stand where everything is found automatically. */
  get automaticSpot() { return structuredClone(this.choices.automatic.spots[0]); }

  /** What is set for the active place; a person without any setting gets a place of their own. */
  get spot() {
    const { figure } = this;
    if (figure.spot < 0) {
      this.settings.spots.push({ ...this.automaticSpot, people: [this.state.person] });
      figure.spot = this.settings.spots.length - 1;
    }
    return this.settings.spots[figure.spot];
  }

  /** The same to look at only: nothing is added. */
  get spotNow() { return this.settings.spots[this.figure.spot] || this.automaticSpot; }

  /** The shadow as a table, whether the file says true, false or a table. */
  shade(spot) {
    return typeof spot.shadow === "object" ? spot.shadow : { ...this.choices.automatic_shadow, on: spot.shadow };
  }

  shadow(spot = this.spot) {
    spot.shadow = this.shade(spot);
    return spot.shadow;
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  layout() {
    const [tall, wide] = this.size;
    this.zoom = Math.min(this.canvas.clientHeight / tall, this.canvas.clientWidth / wide);
    this.scene.style.width = `${wide * this.zoom}px`;
    this.scene.style.height = `${tall * this.zoom}px`;
    this.drawOverlay();
  }

  drawOverlay() {
    const { zoom, arrangement } = this;
    const focused = document.activeElement?.dataset?.focus;
    const ground = h("div", { class: "ground", role: "slider", tabindex: 0, "data-focus": "ground", "aria-label": "Ground line", "aria-orientation": "vertical",
      "aria-valuemin": 0, "aria-valuemax": this.size[0], "aria-valuenow": Math.round(arrangement.ground) }, h("span", {}, this.settings.horizon === null ? "ground, found" : "ground"));
    ground.style.top = `${arrangement.ground * zoom}px`;
    ground.addEventListener("pointerdown", (event) => this.drag(event, (dx, dy, start) => this.moveGround(start.ground + dy)));
    const boxes = arrangement.figures.map((figure, number) => this.box(figure, number));
    clear(this.overlay, ground, ...boxes);
    if (focused) this.overlay.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
  }

  box(figure, number) {
    const { zoom } = this;
    const [left, top, right, bottom] = figure.box;
    const corner = (side, upper) => {
      const dot = h("span", { class: `corner ${side} ${upper ? "upper" : "lower"}` });
      dot.addEventListener("pointerdown", (event) => this.drag(event, (dx, dy, start) => (upper ? this.resize(start.height - dy) : this.pullDown(start, dy))));
      return dot;
    };
    const element = h("div", { class: number === this.active ? "figure active" : "figure", tabindex: 0, role: "group", "data-focus": `figure-${number}`,
      "aria-label": `Person ${number + 1}${figure.guest ? `, ${readable(figure.guest.split("__")[0])}` : ""}. Arrow keys move, plus and minus scale, F flips.`, onfocus: () => this.activate(number) },
    corner("left", true), corner("right", true), corner("left", false), corner("right", false));
    const place = { left, top, width: right - left, height: bottom - top };
    for (const [name, value] of Object.entries(place)) element.style[name] = `${value * zoom}px`;
    element.addEventListener("pointerdown", (event) => {
      this.activate(number);
      if (!event.target.closest(".corner")) this.drag(event, (dx, dy, start) => this.move(start.foot[0] + dx, start.foot[1] + dy), true);
    });
    const dot = h("i", { class: "footpoint" });
    dot.style.left = `${(figure.foot[0] - left) * zoom}px`;
    dot.style.top = `${(figure.foot[1] - top) * zoom}px`;
    element.append(dot);
    return element;
  }

  activate(number) {
    if (this.active === number) return;
    this.active = number;
    this.drawOverlay();
    this.drawSide();
  }

  /** The real composite. One request at a time; while it is made, only the newest settings wait. */
  async refresh() {
    if (this.working) {
      this.again = true;
      return;
    }
    this.working = true;
    this.canvas.classList.add("busy");
    try {
      do {
        this.again = false;
        const height = Math.round(clamp(this.size[0] * this.zoom * devicePixelRatio, 64, MOST_HEIGHT));
        const wanted = { pair: this.state.pair, placement_settings: this.settings, height };
        const [arrangement, blob] = await Promise.all([
          post(`${this.path}/arrangement`, wanted), picture(`${this.path}/picture`, wanted, { signal: this.signal })]);
        if (this.signal.aborted) return;
        if (!this.again) this.arrangement = arrangement;
        URL.revokeObjectURL(this.image.src);
        this.image.src = URL.createObjectURL(blob);
        await this.image.decode().catch(() => {});
      } while (this.again);
      if (!this.dragging) this.scene.classList.remove("moving");
      this.drawOverlay();
      this.drawSide();
    } finally {
      this.working = false;
      this.canvas.classList.remove("busy");
    }
  }

  // ---- changing ---------------------------------------------------------------------------------------------------------

  remember() {
    this.steps.remember(JSON.stringify(this.settings));
  }

  drag(event, change, ghostly = false) {
    event.preventDefault();
    event.stopPropagation();
    this.remember();
    this.dragging = true;
    const { figure } = this;
    const start = { x: event.clientX, y: event.clientY, foot: [...figure.foot], height: figure.height, ground: this.arrangement.ground };
    if (ghostly) this.scene.classList.add("moving");
    const move = (now) => {
      change((now.clientX - start.x) / this.zoom, (now.clientY - start.y) / this.zoom, start);
      this.drawOverlay();
      this.placeGhost();
      guarded(() => this.refresh())();
    };
    const end = () => {
      removeEventListener("pointermove", move);
      this.dragging = false;
      guarded(() => this.refresh())();
    };
    this.placeGhost();
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  }

  placeGhost() {
    const [left, top, right, bottom] = this.figure.box;
    const url = this.personUrl(this.figure.guest || this.state.pair);
    if (this.ghost.getAttribute("src") !== url) this.ghost.src = url;
    const { style } = this.ghost;
    style.left = `${left * this.zoom}px`;
    style.top = `${top * this.zoom}px`;
    style.width = `${(right - left) * this.zoom}px`;
    style.height = `${(bottom - top) * this.zoom}px`;
    style.transform = this.figure.flip ? "scaleX(-1)" : "";
  }

  move(x, y) {
    const { figure } = this;
    const dx = x - figure.foot[0];
    const dy = y - figure.foot[1];
    figure.foot = [x, y];
    figure.box = [figure.box[0] + dx, figure.box[1] + dy, figure.box[2] + dx, figure.box[3] + dy];
    this.spot.foot = [asSetting(x, this.size[1]), asSetting(y, this.size[0])];
    if (this.spot.height === null && this.settings.horizon === null) this.spot.height = asSetting(figure.height, this.size[0]);
  }

  resize(height) {
    const { figure } = this;
    const wanted = clamp(height, 24, 4 * this.size[0]);
    const factor = wanted / figure.height;
    const [x, y] = figure.foot;
    figure.box = [x + (figure.box[0] - x) * factor, y + (figure.box[1] - y) * factor, x + (figure.box[2] - x) * factor, y + (figure.box[3] - y) * factor];
    figure.height = wanted;
    this.spot.height = asSetting(wanted, this.size[0]);
    if (this.spot.foot === null) this.spot.foot = [asSetting(x, this.size[1]), asSetting(y, this.size[0])];
  }

  /** A lower corner: the head stays, the feet follow. Somebody whom the photo cuts stays on the picture's edge. */
  pullDown(start, dy) {
    this.resize(start.height + dy);
    if (!this.figure.anchored) this.move(start.foot[0], start.foot[1] + dy);
  }

  moveGround(row) {
    this.arrangement.ground = clamp(row, 1, this.size[0] - 1);
    this.settings.horizon = asSetting(this.arrangement.ground, this.size[0]);
  }

  change(work) {
    this.remember();
    work();
    this.drawOverlay();
    guarded(() => this.refresh())();
  }

  /** Undo takes back the last thing that was done; where nothing is left, the last save. */
  async turn(back) {
    const now = JSON.stringify(this.settings);
    const found = back ? this.steps.back(now) : this.steps.forth(now);
    if (found === undefined && back && this.state.undo) return this.undoSave();
    if (found === undefined) return toast(back ? "nothing to undo here" : "nothing to redo");
    this.settings = JSON.parse(found);
    return this.refresh();
  }

  // ---- side panel -------------------------------------------------------------------------------------------------------

  drawSide() {
    const { figure } = this;
    const about = `${this.active} ${this.arrangement.figures.map((each) => `${each.spot}${each.guest}`)}`; // controls of another figure are drawn anew
    if (about === this.drawnFor && this.side.contains(document.activeElement) && document.activeElement.matches("input[type=range], input[type=number]")) return this.updateSide();
    this.drawnFor = about;
    const go = (background, pair) => { location.hash = `#/placement/${encodeURIComponent(background)}?pair=${encodeURIComponent(pair)}`; };
    const number = (label, value, set) => field(label, h("input", { type: "number", step: 1, value: String(Math.round(value)),
      onchange: (event) => this.change(() => set(Number(event.target.value))) }));
    const spot = this.spotNow;
    const shade = this.shade(spot);
    const opacity = h("input", { type: "range", min: 0, max: 2, step: 0.05, value: String(shade.opacity), oninput: (event) => this.change(() => { this.shadow().opacity = Number(event.target.value); }) });
    const reflection = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: String(spot.reflection ?? 0), "aria-label": "Floor reflection", oninput: (event) => this.change(() => { this.spot.reflection = Number(event.target.value); }) });
    this.asSet = h("button", { type: "button", disabled: spot.reflection === null, onclick: () => this.change(() => { this.spot.reflection = null; }) }, "as everywhere");
    this.pad = new LightPad(figure.direction, (direction) => this.change(() => { figure.direction = direction; this.shadow().direction = direction; }));
    this.choosers ||= [
      field("Background", chooser(this.choices.backgrounds.map((each) => [each.id, readable(each.id) + (each.by_hand ? ", by hand" : "")]), this.state.background, (value) => go(value, this.state.pair), "Background")),
      field("Person and garment", chooser(this.choices.pairs.map((each) => [each, readable(each.replace("__", " · "))]), this.state.pair, (value) => go(this.state.background, value), "Person and garment"))];
    clear(this.side,
      this.buttons(),
      this.choosers,
      this.spotRow(),
      h("div", { class: "numbers" },
        number("Foot x", figure.foot[0], (x) => this.move(x, figure.foot[1])),
        number("Foot y", figure.foot[1], (y) => this.move(figure.foot[0], y)),
        number("Height", figure.height, (height) => this.resize(height))),
      figure.anchored ? h("small", {}, "The photo cuts this body, so it always reaches the picture's lower edge.") : "",
      h("div", { class: "row" },
        this.check("Flipped", spot.flip, (on) => { this.spot.flip = on; }),
        this.check("Shadow", shade.on, (on) => { this.shadow().on = on; }),
        this.check("Ground line by hand", this.settings.horizon !== null, (on) => { this.settings.horizon = on ? asSetting(this.arrangement.ground, this.size[0]) : null; })),
      field("Ground", select([["", "as seen in the picture"], ["floor", "people can stand here"], ["none", "nobody can stand here"]], this.settings.ground ?? "",
        (value) => this.change(() => { this.settings.ground = value || null; }), "Ground")),
      field("Shadow strength", opacity),
      h("div", {}, h("div", { class: "row between" }, h("span", { class: "quiet" }, "Where the shadow falls"),
        shade.direction ? h("button", { type: "button", onclick: () => this.change(() => { this.shadow().direction = null; }) }, "as found") : ""), this.pad.element),
      h("div", {}, h("div", { class: "row between" }, h("span", { class: "quiet" }, "Floor reflection"), this.asSet), reflection),
      h("button", { type: "button", onclick: () => this.change(() => { this.settings = structuredClone(this.choices.automatic); this.active = 0; }) }, "Everything automatic"),
      h("details", {}, h("summary", {}, this.state.file), h("pre", {}, this.state.text || "# no file: everything is found automatically")));
    return undefined;
  }

  updateSide() {
    const [x, y, height] = this.side.querySelectorAll(".numbers input");
    const { figure } = this;
    for (const [input, value] of [[x, figure.foot[0]], [y, figure.foot[1]], [height, figure.height]])
      if (input !== document.activeElement) input.value = String(Math.round(value));
    this.pad.set(figure.direction);
    this.asSet.disabled = this.spotNow.reflection === null;
    this.saveButton.disabled = !this.changed;
    this.undoButton.disabled = !this.steps.past.length && !this.state.undo;
    this.redoButton.disabled = !this.steps.future.length;
  }

  check(label, on, set) {
    return h("label", { class: "check" }, h("input", { type: "checkbox", checked: on, onchange: (event) => this.change(() => set(event.target.checked)) }), label);
  }

  spotRow() {
    const { figure } = this;
    const own = figure.spot >= 0 && !this.settings.spots[figure.spot].people.includes("*");
    const remove = figure.spot >= 0 && this.arrangement.figures.length > 1 ? h("button", { type: "button", onclick: () => this.change(() => this.removeSpot()) }, "Remove this one") : "";
    const others = this.choices.pairs.filter((pair) => pair.split("__")[0] !== this.state.person);
    this.joiner ||= others.length ? select([["", "add somebody…"], ...others.map((pair) => [pair, readable(pair.replace("__", " · "))])], "", (pair) => this.change(() => { this.joiner.value = ""; this.join(pair); }), "Somebody joins") : null;
    const join = this.joiner ? field("Group picture", this.joiner) : "";
    const row = figure.guest
      ? h("div", { class: "row" }, h("span", {}, `${readable(figure.guest.replace("__", " · "))} joins`), remove)
      : h("div", { class: "row" },
        h("label", { class: "check" }, h("input", { type: "checkbox", checked: own, onchange: (event) => this.change(() => { this.spot.people = event.target.checked ? [this.state.person] : ["*"]; }) }), "for this person only"),
        h("button", { type: "button", onclick: () => this.change(() => this.addSpot()) }, "Add another place"), remove);
    return [row, join];
  }

  /** Somebody else joins this and everybody else's picture in a garment they were dressed in, beside the active figure. */
  join(pair) {
    if (!pair) return;
    const [person, wears] = pair.split("__");
    this.settings.spots.push({ ...this.automaticSpot, people: [person], wears, foot: this.beside() });
    this.active = this.arrangement.figures.length;
  }

  /** The foot point of a new place beside the active figure, where the picture is wider. */
  beside() {
    const [x, y] = this.figure.foot;
    const besideX = x + (x < this.size[1] / 2 ? 1 : -1) * 0.22 * this.size[1];
    return [asSetting(besideX, this.size[1]), asSetting(y, this.size[0])];
  }

  addSpot() {
    const { figure } = this;
    const fresh = structuredClone(this.spot);
    fresh.foot = this.beside();
    if (this.spot.foot === null) this.spot.foot = [asSetting(figure.foot[0], this.size[1]), asSetting(figure.foot[1], this.size[0])];
    this.settings.spots.push(fresh);
    this.active = this.arrangement.figures.filter((each) => !each.guest).length;
  }

  removeSpot() {
    this.settings.spots.splice(this.figure.spot, 1);
    if (!this.settings.spots.length) this.settings.spots.push(this.automaticSpot);
    this.active = 0;
  }

  /** Always in sight: above the settings, at the lower edge of a phone. */
  buttons() {
    const { past, future } = this.steps;
    this.saveButton = h("button", { type: "button", class: "strong", disabled: !this.changed, onclick: guarded(() => this.save()) }, "Save ", h("kbd", {}, "Ctrl S"));
    this.undoButton = h("button", { type: "button", disabled: !past.length && !this.state.undo, title: "Ctrl Z", onclick: guarded(() => this.turn(true)) }, past.length || !this.state.undo ? "Undo" : "Undo the save");
    this.redoButton = h("button", { type: "button", disabled: !future.length, title: "Ctrl Shift Z", onclick: guarded(() => this.turn(false)) }, "Redo");
    return h("div", { class: "savebar", role: "group", "aria-label": "Save" }, this.saveButton,
      h("button", { type: "button", onclick: guarded(() => this.saveAndRun()) }, "Save and make"), this.undoButton, this.redoButton);
  }

  async save() {
    try {
      this.take(await put(`${this.path}?pair=${encodeURIComponent(this.state.pair)}`, { placement_settings: this.settings, base: this.state.version }));
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      await this.takeNewer(problem);
      return false;
    }
    toast(`saved in ${this.state.file}`);
    this.layout();
    await this.refresh();
    return true;
  }

  /** Somebody else saved meanwhile: theirs is shown, and undo brings back what was set here. */
  async takeNewer(problem) {
    const newer = await get(`${this.path}?pair=${encodeURIComponent(this.state.pair)}`, { signal: this.signal });
    if (newer.version === this.state.version) throw problem;
    this.remember();
    this.take(newer);
    toast(`${this.state.file} was changed meanwhile; this is the newer one`, "Undo brings yours back, Save then writes it", true);
    await this.refresh();
  }

  async saveAndRun() {
    if (!(await this.save())) return;
    await submit({ steps: ["compose"], only: [this.state.background] });
    toast("the pictures with this background are made");
  }

  async undoSave() {
    const before = JSON.stringify(this.settings);
    this.take(await post(`${this.path}/undo?pair=${encodeURIComponent(this.state.pair)}&base=${encodeURIComponent(this.state.version)}`));
    this.steps.future.push(before);
    toast(`${this.state.file} is as before the last save`);
    await this.refresh();
  }

  async drive(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const control = event.ctrlKey || event.metaKey;
    const commands = { z: () => this.turn(!event.shiftKey), y: () => this.turn(false), s: () => this.save() };
    if (control && commands[key] && !(isTyping(event) && key !== "s")) {
      event.preventDefault();
      await commands[key]();
      return;
    }
    if (control || event.altKey || isTyping(event) || event.target.matches("input[type=range]")) return;
    const far = event.shiftKey ? 10 : 1;
    const { figure } = this;
    const [x, y] = figure.foot;
    const onGround = event.target.dataset?.focus === "ground";
    const angle = (by) => { const [a, b] = figure.direction; const [c, s] = [Math.cos(by), Math.sin(by)]; figure.direction = [a * c - b * s, a * s + b * c].map((part) => Number(part.toFixed(4))); this.shadow().direction = figure.direction; };
    const work = {
      ArrowLeft: () => this.move(x - far, y), ArrowRight: () => this.move(x + far, y),
      ArrowUp: () => (onGround ? this.moveGround(this.arrangement.ground - far) : this.move(x, y - far)),
      ArrowDown: () => (onGround ? this.moveGround(this.arrangement.ground + far) : this.move(x, y + far)),
      "+": () => this.resize(figure.height * 1.01), "=": () => this.resize(figure.height * 1.01), "-": () => this.resize(figure.height / 1.01),
      f: () => { this.spot.flip = !this.spot.flip; }, g: () => this.moveGround(this.arrangement.ground - far), h: () => this.moveGround(this.arrangement.ground + far),
      "[": () => angle(0.1), "]": () => angle(-0.1),
    }[key];
    if (!work) return;
    event.preventDefault();
    this.change(work);
  }
}
