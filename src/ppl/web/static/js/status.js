/** The bottom line and the pill: what state the view is in, how fast lines come, how much is new. */

const RATE_SECONDS = 3;

export class Status {
  /** @param {HTMLElement} bar @param {HTMLElement} pill @param {string} zone */
  constructor(bar, pill, zone) {
    this.dot = /** @type {HTMLElement} */ (bar.querySelector(".state .dot"));
    this.text = /** @type {HTMLElement} */ (bar.querySelector(".state .text"));
    this.rate = /** @type {HTMLElement} */ (bar.querySelector(".rate"));
    this.loaded = /** @type {HTMLElement} */ (bar.querySelector(".loaded"));
    /** @type {HTMLElement} */ (bar.querySelector(".zone")).textContent = zone;
    this.pill = pill;
    this.seconds = new Array(RATE_SECONDS).fill(0);
    setInterval(() => this.tick(), 1000);
  }

  /** @param {"live" | "paused" | "offline" | ""} kind @param {string} text */
  state(kind, text) {
    this.dot.className = `dot ${kind}`;
    // The room is a live region: it is written only when it changes.
    if (this.text.textContent !== text) this.text.textContent = text;
  }

  /** @param {number} lines that came in */
  came(lines) { this.seconds[0] += lines; }

  tick() {
    const mean = this.seconds.reduce((sum, each) => sum + each, 0) / RATE_SECONDS;
    const text = `${mean > 0 && mean < 10 ? mean.toFixed(1) : Math.round(mean).toLocaleString()}/s`;
    if (this.rate.textContent !== text) this.rate.textContent = text;
    this.seconds.pop();
    this.seconds.unshift(0);
  }

  /** @param {number} rows */
  rows(rows) { this.loaded.textContent = rows ? `${rows.toLocaleString()} loaded` : ""; }

  /** @param {boolean} paused @param {number} fresh lines that are new since the pause */
  jump(paused, fresh) {
    this.pill.hidden = !paused;
    const lines = fresh === 1 ? "1 new line" : `${fresh.toLocaleString()} new lines`;
    const text = fresh ? `↓ ${lines} — jump to live` : "↓ Jump to live";
    if (this.pill.textContent !== text) this.pill.textContent = text;
  }
}
