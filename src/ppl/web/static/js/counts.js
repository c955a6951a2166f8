/**
 * Line counts over time by severity: fetched from /api/histogram, updated with new lines, and added up to bars.
 *
 * Without a query whole minutes are counted; with one, or in a short range, matches are counted to the second, from the
 * newest backwards, for as long as it takes. If one request suffices, the day before is counted too, for comparison.
 */

import { getJson } from "./clock.js";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const BARS = 100;
/** A search bounded to at most SHORT ms is counted in buckets of FINE_WIDTHS ms, at most FINE_BARS of them. */
const SHORT = 60 * MINUTE;
const FINE_WIDTHS = [1000, 5000, 10_000, 30_000];
const FINE_BARS = 240;
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];
/** Spans in minutes for a search without a beginning: the shortest that includes all lines of the last day is shown. */
const SPANS = [15, 60, 180, 360, 720, 1440];
const MOST_ROUNDS = 24;
/** Most buckets requested to catch up; the server returns no more than 1,500. */
const MOST_MISSED = 1000;

/** @typedef {{userId: string, query: string, from: number | null, to: number | null}} Asked ms since 1970 */
/** @typedef {[number, number, number]} Count errors and worse, warnings, all others */
/** @typedef {{start: number, count: Count, before?: Count}} Bar `before`: the same time a day before, if counted */

/** @param {number} span ms @param {boolean} [isFine] allows bars in seconds @returns {number} width of a bar, ms */
export function fitting(span, isFine) {
  const fine = isFine && FINE_WIDTHS.find((width) => width * FINE_BARS >= span);
  if (fine) return fine;
  const wanted = span / MINUTE / BARS;
  return (WIDTHS.find((width) => width >= wanted) ?? Math.ceil(wanted / 1440) * 1440) * MINUTE;
}

/** @param {Record<string, number>} counts by severity keyword @returns {Count} */
export function grouped(counts) {
  /** @type {Count} */
  const count = [0, 0, 0];
  for (const [severity, lines] of Object.entries(counts)) {
    count[["emerg", "alert", "crit", "err"].includes(severity) ? 0 : severity === "warning" ? 1 : 2] += lines;
  }
  return count;
}

/** @param {Count} count */
export const sum = ([errors, warnings, others]) => errors + warnings + others;

export class Counts {
  /** @param {() => void} changed @param {(address: string, signal: AbortSignal) => Promise<any>} get */
  constructor(changed, get = getJson) {
    this.changed = changed;
    this.get = get;
    this.control = new AbortController();
    /** @type {Asked | null} */
    this.asked = null;
    /** @type {Map<number, Count>} start of a bucket → lines */
    this.buckets = new Map();
    this.from = this.to = 0;
    this.unit = MINUTE;
    /** @type {Map<number, Count>} start of a bucket → lines one day before it; known until `comparedTo` */
    this.before = new Map();
    this.comparedTo = 0;
    /** How far back lines are counted, and whether that is the whole range. */
    this.counted = 0;
    this.isWhole = this.isBusy = false;
    /** @type {URLSearchParams | null} the request that is not yet answered completely */
    this.wanted = null;
    this.rounds = 0;
  }

  /** Whether answers add up, each match being counted once; whole minutes replace earlier counts instead. */
  get isExact() { return Boolean(this.asked?.query) || this.unit < MINUTE; }

  /** @param {number} from @param {number} to */
  reset(from, to) {
    this.buckets.clear();
    this.before.clear();
    this.from = from;
    this.to = this.counted = to;
    this.comparedTo = 0;
    const span = to - from;
    this.unit = this.asked?.from && span <= SHORT ? fitting(span, true) : span <= DAY ? MINUTE : fitting(span);
    this.isWhole = this.isBusy = false;
    this.wanted = null;
  }

  /** Count something else. @param {Asked} asked @param {number} now ms */
  async begin(asked, now) {
    this.control.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    this.asked = asked;
    const to = asked.to === null ? now : Math.min(asked.to, now);
    this.reset(asked.from ?? to - DAY, to);
    if (this.from < this.to) await this.count(asked, this.from, this.to);
    if (signal.aborted) return;
    this.changed();
    if (this.isWhole && this.rounds === 1) await this.compare(asked);
  }

  /** Count the day before; for a range without an end, up to an hour after now. @param {Asked} asked */
  async compare(asked) {
    const { from, to } = this;
    const { signal } = this.control;
    if (to - from > DAY) return;
    const most = this.unit < MINUTE ? from + this.mostMissed : Infinity;
    const end = asked.to === null ? Math.max(to, Math.min(to + SHORT, most)) : to;
    const answer = await this.get(`/api/histogram?${this.fields(asked, from - DAY, end - DAY)}`, signal);
    if (signal.aborted || !answer?.complete) return;
    for (const { time, counts } of answer.buckets) this.before.set(Date.parse(time) + DAY, grouped(counts));
    this.comparedTo = end;
    this.changed();
  }

  /** Count lines received since, or continue a request that failed. @param {number} now ms */
  async refresh(now) {
    const { asked } = this;
    if (!asked || this.isBusy || (this.isWhole && asked.to !== null)) return;
    if (asked.to === null && now - this.to > this.mostMissed) {
      await this.begin(asked, now);
      return;
    }
    const { signal } = this.control;
    if (this.wanted) {
      await this.ask(this.wanted);
    } else {
      // Whole minutes are counted again: the last one may have been counted before its end.
      const from = this.isExact ? this.to : Math.floor(this.to / this.unit) * this.unit;
      await this.count(asked, from, now);
    }
    if (signal.aborted) return;
    this.changed();
    if (this.comparedTo && this.comparedTo < this.to && this.unit >= MINUTE) await this.compare(asked);
  }

  /** Whether the server has not answered yet: no line being counted does not mean that there is none. */
  get isUnanswered() { return Boolean(this.wanted) && this.counted >= this.to; }

  /** @returns {number} ms of the longest range that one request may count in the present unit */
  get mostMissed() { return Math.min(MOST_MISSED * this.unit, this.unit < MINUTE ? SHORT : Infinity); }

  /** @param {Asked} asked @param {number} from @param {number} to */
  async count(asked, from, to) {
    // Asked again within a millisecond, or after the clock was set back: nothing can have come.
    if (from >= to) return;
    this.rounds = 0;
    this.wanted = this.fields(asked, from, to);
    await this.ask(this.wanted);
  }

  /** @param {Asked} asked @param {number} from @param {number} to @returns {URLSearchParams} of the request */
  fields({ userId, query }, from, to) {
    const [name, ms] = this.unit < MINUTE ? ["seconds", 1000] : ["minutes", MINUTE];
    return new URLSearchParams({
      user_id: userId, q: query, [name]: String(this.unit / Number(ms)), from: rfc3339(from), to: rfc3339(to),
    });
  }

  /** @param {URLSearchParams} wanted a request of which a part may be counted already */
  async ask(wanted) {
    const { signal } = this.control;
    this.isBusy = true;
    while (this.rounds < MOST_ROUNDS) {
      this.rounds += 1;
      const answer = await this.get(`/api/histogram?${wanted}`, signal);
      if (signal.aborted) return;
      if (!answer) break;
      for (const { time, counts } of answer.buckets) this.add(Date.parse(time), grouped(counts), this.isExact);
      if (answer.complete) {
        this.reach(Date.parse(wanted.get("to") ?? ""));
        break;
      }
      if (!this.isWhole) this.counted = Date.parse(answer.reached_time);
      wanted.set("before", answer.reached);
      this.changed();
    }
    this.isBusy = false;
  }

  /** Note that the range is counted completely. @param {number} to */
  reach(to) {
    if (this.isWhole && this.asked?.from === null) this.from += to - this.to;
    this.to = to;
    this.counted = this.from;
    this.isWhole = true;
    this.wanted = null;
    for (const start of this.buckets.keys()) if (start + this.unit <= this.from) this.buckets.delete(start);
  }

  /** @param {number} start @param {Count} count @param {boolean} isAdded */
  add(start, count, isAdded) {
    const before = isAdded ? this.buckets.get(start) : undefined;
    if (before) addTo(before, count);
    else this.buckets.set(start, count);
  }

  /** @returns {Count} */
  get totals() {
    /** @type {Count} */
    const totals = [0, 0, 0];
    for (const count of this.buckets.values()) addTo(totals, count);
    return totals;
  }

  /** @returns {{width: number, bars: Bar[]}} every bar of the range to show; ms */
  shown() {
    let { from } = this;
    if (this.asked?.from === null && this.isWhole) {
      const first = Math.min(...this.buckets.keys());
      from = Math.max(from, this.to - (SPANS.find((span) => this.to - span * MINUTE <= first) ?? 1440) * MINUTE);
    }
    const width = Math.max(this.unit, fitting(this.to - from, this.unit < MINUTE));
    /** @type {Map<number, Bar>} */
    const bars = new Map();
    for (let start = Math.floor(from / width) * width; start < this.to; start += width) {
      bars.set(start, { start, count: [0, 0, 0], before: start < this.comparedTo ? [0, 0, 0] : undefined });
    }
    /** @param {number} start */
    const barOf = (start) => bars.get(Math.floor(start / width) * width);
    for (const [start, count] of this.buckets) addTo(barOf(start)?.count, count);
    for (const [start, count] of this.before) addTo(barOf(start)?.before, count);
    return { width, bars: [...bars.values()] };
  }
}

/** @param {Count | undefined} total @param {Count} count */
const addTo = (total, count) => count.forEach((lines, index) => { if (total) total[index] += lines; });

/** @param {number} moment */
const rfc3339 = (moment) => new Date(moment).toISOString();
