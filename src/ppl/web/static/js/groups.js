/** Groups of similar lines as the server reports them: their state so far, which are new, and their order. No DOM. */

import { SEVERITIES } from "./fields.js";

/**
 * @typedef {Object} Group
 * @property {string} key
 * @property {string} text the message with `…` for its varying parts
 * @property {string | null} query the query that finds its lines
 * @property {number} count
 * @property {number} before lines in the time compared with, or `UNKNOWN`
 * @property {string} first RFC 3339
 * @property {string} last
 * @property {string} id of the last line
 * @property {string} [severity] the worst
 * @property {number[]} plot
 */

/** @typedef {"count" | "last" | "new"} Order */

/** A group at least this many times as frequent as before has grown. */
const GROWN = 2;

/** `before` of a group that appeared live, after the time compared with was read. */
export const UNKNOWN = -1;

export class Groups {
  constructor() {
    /** @type {Map<string, Group>} */
    this.all = new Map();
    this.read = this.others = this.total = this.searched = 0;
    this.from = this.to = this.comparedFrom = 0;
    /** The highest id counted. */
    this.newest = "";
    /** How far back lines were read, ms since 1970; 0 if unknown. */
    this.backTo = 0;
    this.isDone = this.isComplete = this.isCompared = false;
  }

  /** @param {any} report @returns {string[]} keys of the groups that changed */
  take(report) {
    if (report.newest) {
      this.newest = report.newest;
      this.total = report.total;
      this.from = Date.parse(report.from);
      this.to = Date.parse(report.to);
      this.comparedFrom = report.compared_from ? Date.parse(report.compared_from) : 0;
    }
    if (report.read !== undefined) this.read = report.read;
    if (report.searched !== undefined) this.searched = report.searched;
    if (report.others !== undefined) this.others = report.others;
    if (report.back_to) this.backTo = Date.parse(report.back_to);
    for (const key of report.gone ?? []) this.all.delete(key);
    for (const each of report.groups ?? []) this.all.set(each.key, { ...this.all.get(each.key), ...each });
    if (report.done) {
      this.isDone = true;
      this.isComplete = Boolean(report.complete);
      this.isCompared = Boolean(report.compared);
    }
    return (report.groups ?? []).map((/** @type {Group} */ each) => each.key);
  }

  /**
   * Add lines received since.
   *
   * @param {Groups} more the groups of these lines @returns {string[]} keys of the groups that changed
   */
  add(more) {
    if (more.newest) this.newest = more.newest;
    this.shift(more.to);
    this.read += more.read;
    this.others += more.others;
    for (const [key, each] of more.all) {
      const known = this.all.get(key);
      const plot = known ? known.plot : each.plot.map(() => 0);
      plot[plot.length - 1] += each.count;
      this.all.set(key, known ? {
        ...known, count: known.count + each.count, last: each.last, id: each.id, severity: worse(known.severity, each.severity),
      } : { ...each, plot, before: UNKNOWN });
    }
    return [...more.all.keys()];
  }

  /** Move the range and the plots on with time. @param {number} to ms */
  shift(to) {
    const [any] = this.all.values();
    if (!any || !(to > this.to)) return;
    const width = (this.to - this.from) / any.plot.length;
    const bars = Math.min(any.plot.length, Math.floor((to - this.to) / width));
    if (!bars) return;
    for (const each of this.all.values()) each.plot = [...each.plot.slice(bars), ...Array(bars).fill(0)];
    this.from += bars * width;
    this.to += bars * width;
  }

  /** @param {Group} group @returns {boolean} whether it certainly had no lines in the time compared with */
  isNew(group) { return this.isCompared && group.before === 0; }

  /** @param {Group} group @returns {number} its frequency divided by that before; 0 if unknown or new */
  times(group) {
    if (!this.isCompared || group.before <= 0) return 0;
    return (group.count / group.before) * ((this.from - this.comparedFrom) / Math.max(1, this.to - this.from));
  }

  /** @param {Order} order @returns {Group[]} */
  sorted(order) {
    const news = (/** @type {Group} */ group) => (this.isNew(group) ? Infinity : Math.max(GROWN, this.times(group)));
    return [...this.all.values()].sort((a, b) => (
      (order === "last" && (a.last < b.last ? 1 : a.last > b.last ? -1 : 0))
      || (order === "new" && (news(b) - news(a) || 0))
      || b.count - a.count || (a.key < b.key ? -1 : 1)));
  }
}

/** @param {string | undefined} a @param {string | undefined} b @returns {string | undefined} the worse severity */
function worse(a, b) {
  if (!a || !b) return a ?? b;
  return SEVERITIES[Math.min(SEVERITIES.indexOf(a), SEVERITIES.indexOf(b))];
}

/** @param {number} times ratio of frequencies @returns {string} e.g. `4.2×`, empty if it is near 1 */
export function timesWords(times) {
  if (!times || (times < GROWN && times > 1 / GROWN)) return "";
  if (times >= 10) return `${Math.round(times).toLocaleString("en")}×`;
  return times < 0.1 ? "<0.1×" : `${times.toFixed(1)}×`;
}

/** @param {number[]} plot @returns {string} an SVG path of bars, each one unit wide and up to 16 high */
export function pathOf(plot) {
  const most = Math.max(1, ...plot);
  return plot.map((count, index) => {
    if (!count) return "";
    const height = Math.max(1.5, (count / most) * 16);
    return `M${index} 16V${(16 - height).toFixed(1)}h.8V16z`;
  }).join("");
}

/** @param {number} part of a whole @returns {string} e.g. `34 %` */
export const shareWords = (part) => (part >= 0.095 ? `${Math.round(part * 100)} %` : part >= 0.001 ? `${(part * 100).toFixed(1)} %` : "<0.1 %");

/**
 * Reads a response of JSON objects, one per line, as they arrive.
 *
 * @param {ReadableStream<Uint8Array>} body @param {(report: any) => void} take
 */
export async function readLines(body, take) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line) take(JSON.parse(line));
    if (done) return;
  }
}
