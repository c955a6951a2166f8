/** The histogram above the log: where one is in time, and a way to zoom by drag, touch or keys. */

import { sum } from "./counts.js";

/** @typedef {import("./counts.js").Bar} Bar */

const BAR = 10;
const HEIGHT = 100;
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200].map((minutes) => minutes * MINUTE);
const TICK_PIXELS = 110;
/** @type {Record<string, number>} key → bars to move by: those of every slider */
const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity,
};

export class Histogram {
  /**
   * @param {HTMLElement} room @param {import("./time.js").Zone} zone
   * @param {(change: () => void) => void} keepingPlace runs what moves the log on the page
   * @param {(from: number, to: number) => void} zoom ms since 1970
   */
  constructor(room, zone, keepingPlace, zoom) {
    /** @param {string} selector */
    const part = (selector) => /** @type {HTMLElement} */ (room.querySelector(selector));
    this.room = room;
    this.zone = zone;
    this.keepingPlace = keepingPlace;
    this.zoom = zoom;
    this.label = part(".label");
    this.plot = part(".plot");
    this.ticks = part(".ticks");
    this.paths = ["err", "warning", "other"].map((name) => part(`.${name}`));
    this.uncounted = part(".uncounted");
    this.chosen = part(".chosen");
    /** @type {Bar[]} */
    this.bars = [];
    this.width = MINUTE;
    /** The bars at both ends of what is pointed at, -1 for none. */
    this.anchor = this.at = -1;
    this.isDown = false;
    this.listen();
    new ResizeObserver(() => this.drawTicks()).observe(this.ticks);
  }

  /** What is shown is not of the present search. */
  expectOther() { this.room.classList.add("stale"); }

  /** @param {import("./counts.js").Counts} counts */
  draw(counts) {
    if (this.isDown) return;
    const { width, bars } = counts.shown();
    const most = Math.max(...bars.map((bar) => sum(bar.count)));
    const isEmpty = !(most > 0) && (counts.isWhole || counts.counted >= counts.to);
    this.room.classList.remove("stale");
    if (isEmpty) {
      this.show(false);
      return;
    }
    const moved = width === this.width && this.bars.length ? (bars[0].start - this.bars[0].start) / width : Infinity;
    if (this.at >= 0) [this.anchor, this.at] = [this.anchor, this.at].map((each) => Math.max(-1, each - moved));
    if (this.at < 0 || this.anchor < 0) this.anchor = this.at = -1;
    Object.assign(this, { bars, width });
    this.plot.setAttribute("viewBox", `0 0 ${bars.length * BAR} ${HEIGHT}`);
    drawStacks(this.paths, bars, Math.max(1, most));
    const uncounted = counts.isWhole ? 0 : Math.max(0, (counts.counted - bars[0].start) / width);
    this.uncounted.setAttribute("width", String(uncounted * BAR));
    this.summary = `${lines(counts.total)}${counts.isWhole ? "" : " so far"} · max ${rate(most / (width / 1000))}`;
    this.plot.setAttribute("aria-valuemax", String(bars.length - 1));
    this.point();
    // With all in it: its height is made up for once.
    this.show(true);
    this.drawTicks();
  }

  /** @param {boolean} visible */
  show(visible) {
    if (this.room.hidden === visible) this.keepingPlace(() => { this.room.hidden = !visible; });
  }

  drawTicks() {
    const [first] = this.bars;
    if (!first || this.room.hidden) return;
    const span = this.bars.length * this.width;
    const room = this.ticks.clientWidth;
    const step = TICKS.find((each) => span / each <= room / TICK_PIXELS) ?? Math.ceil(span / DAY) * DAY;
    const made = [];
    for (let local = Math.ceil((first.start + this.zone.offset(first.start)) / step) * step; ; local += step) {
      const moment = local - this.zone.offset(local - this.zone.offset(first.start));
      const part = (moment - first.start) / span;
      if (part > 1 - 40 / room) break;
      const tick = document.createElement("span");
      tick.textContent = span > 2 * DAY ? this.zone.date(moment) : this.zone.write(moment).clock.slice(0, 5);
      tick.style.left = `${part * 100}%`;
      made.push(tick);
    }
    this.ticks.replaceChildren(...made);
  }

  // Pointing

  listen() {
    const { plot } = this;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      plot.setPointerCapture(event.pointerId);
      this.isDown = true;
      this.anchor = this.at = this.barAt(event);
      this.point();
    });
    plot.addEventListener("pointermove", (event) => {
      this.at = this.barAt(event);
      if (!this.isDown) this.anchor = this.at;
      this.point();
    });
    plot.addEventListener("pointerup", () => {
      if (this.isDown) this.take();
    });
    for (const name of ["pointercancel", "pointerleave", "blur"]) plot.addEventListener(name, () => this.leave());
    plot.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !this.key(event.key, event.shiftKey)) return;
      // These keys mean something else in the log.
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** @param {string} key @param {boolean} isShifted @returns {boolean} whether it means something here */
  key(key, isShifted) {
    const last = this.bars.length - 1;
    const from = this.at < 0 ? last : this.at;
    const step = Object.hasOwn(STEPS, key) ? STEPS[key] : 0;
    if (step) {
      this.at = Math.min(last, Math.max(0, this.at < 0 && step === -1 ? last : from + step));
      if (!isShifted || this.anchor < 0) this.anchor = this.at;
      this.point();
      return true;
    }
    if (key === "Escape" && this.at >= 0) this.leave();
    else if ((key === "Enter" || key === " ") && this.at >= 0) this.take();
    else return false;
    return true;
  }

  /** @param {PointerEvent} event @returns {number} */
  barAt(event) {
    const { left, width } = this.plot.getBoundingClientRect();
    const bar = Math.floor(((event.clientX - left) / width) * this.bars.length);
    return Math.min(this.bars.length - 1, Math.max(0, bar));
  }

  leave() {
    this.isDown = false;
    this.anchor = this.at = -1;
    this.point();
  }

  take() {
    const [first, last] = this.ends;
    const from = this.bars[first].start;
    const to = this.bars[last].start + this.width;
    this.leave();
    this.zoom(from, to);
  }

  get ends() { return [Math.min(this.anchor, this.at), Math.max(this.anchor, this.at)]; }

  /** Show what is pointed at, and say it. */
  point() {
    const [first, last] = this.ends;
    const bars = first < 0 ? [] : this.bars.slice(first, last + 1);
    this.chosen.setAttribute("x", String(Math.max(0, first) * BAR));
    this.chosen.setAttribute("width", String(bars.length * BAR));
    let text = this.summary ?? "";
    if (bars.length) {
      const total = [0, 1, 2].map((index) => bars.reduce((all, bar) => all + bar.count[index], 0));
      const until = this.zone.write(bars[bars.length - 1].start + this.width).clock.slice(0, 5);
      const parts = [lines(total[0] + total[1] + total[2])];
      if (total[0]) parts.push(`${total[0].toLocaleString("en")} error${total[0] === 1 ? "" : "s"}`);
      if (total[1]) parts.push(`${total[1].toLocaleString("en")} warning${total[1] === 1 ? "" : "s"}`);
      text = `${this.zone.moment(bars[0].start).replace(/:00$/, "")}–${until} · ${parts.join(", ")}`;
    }
    if (this.label.textContent !== text) this.label.textContent = text;
    this.plot.setAttribute("aria-valuenow", String(this.at < 0 ? this.bars.length - 1 : this.at));
    this.plot.setAttribute("aria-valuetext", text);
  }
}

/** One path for each severity, errors lowest. @param {HTMLElement[]} paths @param {Bar[]} bars @param {number} most */
function drawStacks(paths, bars, most) {
  const drawn = paths.map(() => "");
  bars.forEach(({ count }, index) => {
    let floor = HEIGHT;
    count.forEach((lines, severity) => {
      if (!lines) return;
      const top = floor - Math.max(1, (lines / most) * (HEIGHT - 2));
      drawn[severity] += `M${index * BAR + 0.5} ${floor.toFixed(1)}V${top.toFixed(1)}h${BAR - 1}V${floor.toFixed(1)}z`;
      floor = top;
    });
  });
  paths.forEach((path, index) => path.setAttribute("d", drawn[index]));
}

/** @param {number} count */
const lines = (count) => `${count.toLocaleString("en")} line${count === 1 ? "" : "s"}`;

/** @param {number} perSecond @returns {string} such as `233/s` or `4/min` */
function rate(perSecond) {
  if (perSecond >= 10) return `${Math.round(perSecond).toLocaleString("en")}/s`;
  return perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${Math.ceil(perSecond * 60)}/min`;
}
