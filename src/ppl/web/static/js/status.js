/** The status bar and the pill: the view's state, the rate of lines, the number of new lines. */

const RATE_SECONDS = 3;

export class Status {
  /**
   * @param {HTMLElement} bar @param {HTMLElement} pill @param {string} zone
   * @param {import("./title.js").Title} title
   */
  constructor(bar, pill, zone, title) {
    /** @param {string} selector */
    const part = (selector) => /** @type {HTMLElement} */ (bar.querySelector(selector));
    this.dot = part(".state .dot");
    this.text = part(".state .text");
    this.rate = part(".rate");
    this.loaded = part(".loaded");
    this.trouble = part(".problem");
    part(".zone").textContent = zone;
    this.title = title;
    this.pill = pill;
    this.pillText = /** @type {HTMLElement} */ (pill.querySelector(".text"));
    this.seconds = new Array(RATE_SECONDS).fill(0);
    /** The last rate above zero, in lines per second. */
    this.lastRate = 0;
    setInterval(() => this.tick(), 1000);
  }

  /** @param {"live" | "paused" | "offline" | "still"} kind @param {string} text */
  state(kind, text) {
    this.dot.className = `dot ${kind}`;
    write(this.text, text);
  }

  /** @param {string} message a problem to show, or empty */
  problem(message) { write(this.trouble, message); }

  /** @param {number} lines received */
  came(lines) {
    this.seconds[0] += lines;
    this.title.came(lines);
  }

  tick() {
    const mean = this.seconds.reduce((sum, each) => sum + each, 0) / RATE_SECONDS;
    if (mean) this.lastRate = mean;
    write(this.rate, `${mean > 0 && mean < 10 ? mean.toFixed(1) : Math.round(mean).toLocaleString("en")}/s`);
    this.seconds.pop();
    this.seconds.unshift(0);
  }

  /** @param {number} rows */
  rows(rows) { write(this.loaded, rows ? `${rows.toLocaleString("en")} loaded` : ""); }

  /** @param {boolean} isPaused @param {import("./fresh.js").Fresh} fresh */
  jump(isPaused, fresh) {
    this.title.paused(isPaused, fresh);
    this.pill.hidden = !isPaused;
    const lines = `${fresh} new line${fresh.total === 1 && !fresh.isAtLeast ? "" : "s"}`;
    write(this.pillText, fresh.total ? `↓ ${lines} — jump to live` : "↓ Jump to live");
  }
}

/** Write only changes: screen readers announce each write. @param {HTMLElement} part @param {string} text */
function write(part, text) {
  if (part.textContent !== text) part.textContent = text;
}
