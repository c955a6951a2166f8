/**
 * Live lines on their way to the list: collected, and shown in one batch about twelve times a second.
 *
 * Bounded: if too many lines wait for one batch, the oldest become a gap row, which loads on click.
 */

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {{after: number, before: number, count: number}} Gap ids, exclusive; older than the lines shown with it */

const FLUSH_MS = 80;
export const MOST_AT_ONCE = 500;
export const MOST_WAITING = 5000;

export class Tail {
  /**
   * @param {(gap: Gap | null, events: LogEvent[]) => void} show
   * @param {(flush: () => void) => void} schedule calls `flush` once, soon
   */
  constructor(show, schedule = nextLook) {
    this.show = show;
    this.schedule = schedule;
    this.scheduled = false;
    /** @type {LogEvent[]} */
    this.events = [];
    /** @type {Gap | null} */
    this.gap = null;
    this.shown = 0;
  }

  /** Number of waiting lines. */
  get length() { return this.events.length + (this.gap?.count ?? 0); }

  clear() {
    this.events = [];
    this.gap = null;
    this.shown = 0;
  }

  /** @param {LogEvent[]} events @param {number} shown id of the newest line shown */
  add(events, shown) {
    this.shown = shown;
    for (const event of events) this.events.push(event);
    // A hidden page draws no frames: its waiting lines must stay bounded too.
    if (this.events.length > MOST_WAITING) this.skipTo(MOST_AT_ONCE);
    this.soon();
  }

  /** The server skipped lines after the waiting ones. @param {Gap} gap @param {number} shown as for `add` */
  addGap(gap, shown) {
    this.shown = shown;
    const isFirst = !this.events.length && !this.gap;
    const after = this.gap?.after ?? (isFirst ? Math.max(shown, gap.after) : shown);
    // One gap at most: lines waiting before it join it.
    this.gap = { after, before: gap.before, count: this.length + gap.count };
    this.events = [];
    this.soon();
  }

  /** Skip all but the newest lines. @param {number} kept */
  skipTo(kept) {
    const skipped = this.events.splice(0, this.events.length - kept);
    const after = this.gap?.after ?? this.shown;
    this.gap = { after, before: Number(this.events[0].id), count: (this.gap?.count ?? 0) + skipped.length };
  }

  soon() {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => this.flush());
  }

  flush() {
    this.scheduled = false;
    if (this.events.length > MOST_AT_ONCE) this.skipTo(MOST_AT_ONCE);
    const { gap, events } = this;
    this.clear();
    if (gap || events.length) this.show(gap, events);
  }
}

/** @param {() => void} flush */
const nextLook = (flush) => { setTimeout(() => requestAnimationFrame(flush), FLUSH_MS); };
