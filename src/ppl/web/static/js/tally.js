/** The top values of a field, added up from the server's answers. No DOM. */

/** @typedef {{field: string, values: {value: string, count: number}[], others: {values: number, count: number},
 *   reached: string, reached_time: string, complete: boolean, to?: string}} Answer of `/api/top-values` */

/** Most values kept: of more, the rarest join the others. */
const MOST = 5000;

export class Tally {
  constructor() {
    /** @type {Map<string, number>} value → how often it occurs */
    this.counts = new Map();
    /** About how many further values there are, and how often they occur. */
    this.others = { values: 0, count: 0 };
    /** How far back events were read, ms since 1970; 0 if unknown. */
    this.backTo = 0;
    /** The time up to which events are counted. */
    this.to = "";
    /** Whether there was an answer, and whether all events were counted. */
    this.hasBegun = this.isComplete = false;
  }

  /** @param {Answer} answer */
  take({ values, others, reached_time: reached, complete, to = "" }) {
    this.hasBegun = true;
    this.isComplete = complete;
    this.backTo = Date.parse(reached);
    this.to ||= to;
    this.count(values, others);
  }

  /** Add the values of events that came later. @param {Answer} answer */
  addLater({ values, others, to = "" }) {
    this.to = to;
    this.count(values, others);
  }

  /** @param {Answer["values"]} values @param {Answer["others"]} others */
  count(values, others) {
    for (const { value, count } of values) this.counts.set(value, (this.counts.get(value) ?? 0) + count);
    // The same rare values may be left out of several answers.
    this.others.values = Math.max(this.others.values, others.values);
    this.others.count += others.count;
    if (this.counts.size <= MOST) return;
    const rare = this.sorted.slice(MOST / 2);
    for (const [value, count] of rare) {
      this.counts.delete(value);
      this.others.count += count;
    }
    this.others.values += rare.length;
  }

  /** How often the field occurs. */
  get total() { return this.sorted.reduce((sum, [, count]) => sum + count, this.others.count); }

  /** @returns {[value: string, count: number][]} the most frequent first */
  get sorted() { return [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)); }
}
