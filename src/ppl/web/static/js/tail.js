/**
 * Live lines on their way to the list: gathered, and shown in one go about twelve times a second.
 *
 * Bounded: what is too much for one look becomes a gap row that loads on click.
 */

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {{after: number, before: number, count: number}} Gap ids exclusive */

const FLUSH_MS = 80;
const MOST_AT_ONCE = 500;
const MOST_WAITING = 5000;

export class Tail {
  /** @param {(gap: Gap | null, events: LogEvent[]) => void} show */
  constructor(show) {
    this.show = show;
    /** @type {LogEvent[]} */
    this.events = [];
    /** @type {Gap | null} */
    this.gap = null;
    this.timer = 0;
  }

  /** @param {LogEvent[]} events @param {number} newest id of the newest line shown */
  add(events, newest) {
    this.events.push(...events);
    if (this.events.length > MOST_WAITING) this.skip(newest, MOST_AT_ONCE);
    // A hidden page draws no frames: it is shown when it is seen again, out of what is kept.
    if (!this.timer) this.timer = setTimeout(() => requestAnimationFrame(() => this.flush(newest)), FLUSH_MS);
  }

  /** The server left lines out. @param {Gap} gap */
  addGap(gap) {
    this.gap = { after: this.gap?.after ?? gap.after, before: gap.before,
      count: (this.gap?.count ?? 0) + gap.count + this.events.length };
    this.events = [];
  }

  /** Leave out all but the newest `kept`. @param {number} newest @param {number} kept */
  skip(newest, kept) {
    const skipped = this.events.splice(0, this.events.length - kept);
    if (!skipped.length) return;
    this.gap = { after: this.gap?.after ?? newest, before: Number(this.events[0].id),
      count: (this.gap?.count ?? 0) + skipped.length };
  }

  /** @param {number} newest */
  flush(newest) {
    this.timer = 0;
    if (this.events.length > MOST_AT_ONCE) this.skip(newest, MOST_AT_ONCE);
    const { gap, events } = this;
    this.clear();
    this.show(gap, events);
  }

  clear() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.events = [];
    this.gap = null;
  }
}
