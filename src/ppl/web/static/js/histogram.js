/** The histogram above the log: lines over time, the reader's place in them, and zooming by drag, touch or keys. */

import { sum } from "./counts.js";
import { Legend } from "./legend.js";
import { BAR, clock, HEIGHT, stacks, steps, ticks } from "./plot.js";
import { counted } from "./text.js";

/** @typedef {import("./counts.js").Bar} Bar */
/** @typedef {import("./counts.js").Counts} Counts */

const MINUTE = 60_000;
/** How many times the highest bar the line of the day before may reach before it is clipped. */
const HIGHER = 1.5;
/** @type {Record<string, number>} key → bars to move by, as in any slider */
const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity,
};

export class Histogram {
  /**
   * @param {HTMLElement} room @param {import("./time.js").Zone} zone
   * @param {(change: () => void) => void} keepingPlace runs a change that moves the log on the page
   * @param {{zoom: (from: number, to: number) => void, zoomOut: () => void}} acts ms since 1970
   */
  constructor(room, zone, keepingPlace, acts) {
    /** @param {string} selector */
    const part = (selector) => /** @type {HTMLElement} */ (room.querySelector(selector));
    this.room = room;
    this.zone = zone;
    this.keepingPlace = keepingPlace;
    this.acts = acts;
    this.out = part(".out");
    this.compared = part(".compared");
    this.label = part(".label");
    this.plot = part(".plot");
    this.ticks = part(".ticks");
    this.paths = ["err", "warning", "other"].map((name) => part(`path.${name}`));
    this.before = part(".before");
    this.marker = part(".here");
    this.uncounted = part(".uncounted");
    this.chosen = part(".chosen");
    /** @type {Counts | null} the counts drawn */
    this.counts = null;
    /** @type {string | undefined} the destination whose lines are drawn */
    this.userId = undefined;
    /** @type {Bar[]} */
    this.bars = [];
    this.width = MINUTE;
    /** The bars at both ends of the selection, -1 for none. */
    this.anchor = this.at = -1;
    this.isDown = false;
    /** When the first visible line was received, 0 while the newest lines are shown. */
    this.looked = 0;
    this.legend = new Legend(part(".legend"), () => this.counts && this.draw(this.counts));
    this.listen();
    new ResizeObserver(() => this.drawTicks()).observe(this.ticks);
  }

  /** Mark the drawing as stale: the search has changed. */
  expectOther() { this.room.classList.add("stale"); }

  /** @param {Counts} counts */
  draw(counts) {
    if (this.isDown) return;
    const userId = counts.asked?.userId;
    if (counts.isUnanswered) {
      // What was drawn stays, marked as stale: a lost connection must not look like an empty history.
      if (userId !== this.userId) this.show(false);
      return;
    }
    this.userId = userId;
    this.counts = counts;
    const { width, bars } = counts.shown();
    const isEmpty = !bars.some(({ count }) => sum(count)) && (counts.isWhole || counts.counted >= counts.to);
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
    this.drawBars(counts);
    const uncounted = counts.isWhole ? 0 : Math.max(0, (counts.counted - bars[0].start) / width);
    this.uncounted.setAttribute("width", String(uncounted * BAR));
    this.plot.setAttribute("aria-valuemax", String(bars.length - 1));
    this.point();
    this.mark();
    // Only when complete, so that the log moves for its height just once.
    this.show(true);
    this.drawTicks();
  }

  /** @param {Counts} counts */
  drawBars({ totals, isWhole }) {
    const { bars, legend } = this;
    const shown = bars.map(({ count }) => legend.of(count));
    const most = Math.max(1, ...shown.map(sum));
    const before = bars.flatMap((bar) => (bar.before ? [sum(legend.of(bar.before))] : []));
    const top = Math.max(most, Math.min(HIGHER * most, Math.max(0, ...before)));
    const isCompared = before.some(Boolean);
    stacks(shown, top).forEach((path, index) => this.paths[index].setAttribute("d", path));
    this.before.setAttribute("d", isCompared ? steps(before, top) : "");
    this.compared.hidden = !isCompared;
    legend.say(totals);
    this.summary = `${counted(sum(legend.of(totals)), "line")}${isWhole ? "" : " so far"} · max ${rate(most, this.width / 1000)}`;
  }

  /** @param {boolean} isZoomed whether the search has a range */
  setZoomed(isZoomed) { this.out.hidden = !isZoomed; }

  /** Mark the reader's place. @param {HTMLElement | null} row the first visible, `null` while following the newest */
  look(row) {
    // An id is the time of receipt in microseconds.
    const moment = row ? Number(row.dataset.id) / 1000 : 0;
    if (moment === this.looked) return;
    this.looked = moment;
    this.mark();
  }

  mark() {
    const place = this.bars.length ? (this.looked - this.bars[0].start) / this.width : -1;
    const isShown = place >= 0 && place <= this.bars.length;
    this.marker.setAttribute("d", isShown ? `M${(place * BAR).toFixed(1)} 0V${HEIGHT}` : "");
  }

  /** @param {boolean} visible */
  show(visible) {
    if (this.room.hidden === visible) this.keepingPlace(() => { this.room.hidden = !visible; });
  }

  drawTicks() {
    const [first] = this.bars;
    const room = this.ticks.clientWidth;
    if (!first || !room) return;
    this.ticks.replaceChildren(...ticks(first.start, this.bars.length * this.width, room, this.zone).map(({ part, text }) => {
      const tick = document.createElement("span");
      tick.textContent = text;
      tick.style.left = `${part * 100}%`;
      return tick;
    }));
  }

  // Pointing

  listen() {
    const { plot } = this;
    this.out.addEventListener("click", this.acts.zoomOut);
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

  /** @param {string} key @param {boolean} isShifted @returns {boolean} whether the key was handled */
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
    else if (key === "-" && !this.out.hidden) this.acts.zoomOut();
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
    this.acts.zoom(from, to);
  }

  get ends() { return [Math.min(this.anchor, this.at), Math.max(this.anchor, this.at)]; }

  /** Show the selection and describe it. */
  point() {
    const [first, last] = this.ends;
    const bars = first < 0 ? [] : this.bars.slice(first, last + 1);
    this.chosen.setAttribute("x", String(Math.max(0, first) * BAR));
    this.chosen.setAttribute("width", String(bars.length * BAR));
    let text = this.summary ?? "";
    if (bars.length) {
      /** @param {(bar: Bar) => import("./counts.js").Count | undefined} of */
      const added = (of) => [0, 1, 2].map((index) => bars.reduce((all, bar) => all + (of(bar)?.[index] ?? 0), 0));
      const [errors, warnings, others] = added((bar) => this.legend.of(bar.count));
      const parts = [counted(errors + warnings + others, "line")];
      if (errors) parts.push(counted(errors, "error"));
      if (warnings) parts.push(counted(warnings, "warning"));
      if (!this.compared.hidden && bars.every((bar) => bar.before)) {
        const before = added((bar) => bar.before && this.legend.of(bar.before));
        parts.push(`${(before[0] + before[1] + before[2]).toLocaleString("en")} the day before`);
      }
      const until = clock(bars[bars.length - 1].start + this.width, this.width < MINUTE, this.zone);
      text = `${this.zone.moment(bars[0].start).replace(/:00$/, "")}–${until} · ${parts.join(", ")}`;
    }
    if (this.label.textContent !== text) this.label.textContent = text;
    this.plot.setAttribute("aria-valuenow", String(this.at < 0 ? this.bars.length - 1 : this.at));
    this.plot.setAttribute("aria-valuetext", text);
  }
}

/** @param {number} most lines @param {number} seconds per bar @returns {string} as `233/s`, `3 in 10 s`, `4/min` */
function rate(most, seconds) {
  const perSecond = most / seconds;
  if (perSecond >= 10) return `${Math.round(perSecond).toLocaleString("en")}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return seconds < 60 ? `${most} in ${seconds} s` : `${Math.ceil(perSecond * 60)}/min`;
}
