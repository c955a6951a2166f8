/** The edge between lines and details: dragged by mouse or touch, moved by arrow keys, remembered by the browser. */

import { remember, remembered } from "./memory.js";

const KEY = "details-width";
const STEP = 24;
const LEAST = 280;
/** Least width left to the lines; as in details.css. */
const REST = 320;

export class Sizer {
  /** @param {HTMLElement} edge @param {HTMLElement} panel at its right @param {(change: () => void) => void} keepingPlace */
  constructor(edge, panel, keepingPlace) {
    this.edge = edge;
    this.panel = panel;
    this.keepingPlace = keepingPlace;
    this.wanted = Number(remembered(KEY));
    this.isDue = false;
    if (this.wanted) this.set(this.wanted);
    edge.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      edge.setPointerCapture(event.pointerId);
    });
    edge.addEventListener("pointermove", (event) => {
      if (edge.hasPointerCapture(event.pointerId)) this.draw(panel.getBoundingClientRect().right - event.clientX);
    });
    edge.addEventListener("dblclick", () => this.set(0));
    edge.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.say()).observe(panel);
  }

  /** Set the width at the next frame, since each change lays out all lines again. @param {number} width */
  draw(width) {
    this.wanted = width;
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.set(this.wanted);
    });
  }

  /** @param {number} width pixels; 0 for the default width */
  set(width) {
    const within = width && Math.round(Math.max(LEAST, Math.min(width, this.most)));
    this.keepingPlace(() => { this.panel.style.flexBasis = within ? `${within}px` : ""; });
    remember(KEY, String(within));
  }

  get most() { return Math.max(LEAST, (this.panel.parentElement?.clientWidth ?? 0) - REST); }

  /** @param {KeyboardEvent} event */
  key(event) {
    const width = this.panel.offsetWidth;
    /** @type {Record<string, number>} */
    const widths = { ArrowLeft: width + STEP, ArrowRight: width - STEP, Home: LEAST, End: this.most };
    if (!(event.key in widths)) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(widths[event.key]);
  }

  /** Tell screen readers the width, in percent between the smallest and the largest. */
  say() {
    const part = (this.panel.offsetWidth - LEAST) / Math.max(1, this.most - LEAST);
    this.edge.setAttribute("aria-valuenow", String(Math.round(Math.max(0, Math.min(1, part)) * 100)));
  }
}
