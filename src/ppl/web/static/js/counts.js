/**
 * How many lines there were when, by severity: asked of /api/histogram, kept up with what is new, and added up to bars.
 *
 * Without a query whole minutes are counted; with one what matches, from the newest on, for as long as it takes.
 */

import { timed } from "./clock.js";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const BARS = 100;
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];
/** Where the search sets no beginning: the shortest of these, in minutes, that shows all of the last day. */
const SPANS = [15, 60, 180, 360, 720, 1440];
const MOST_ROUNDS = 24;
/** Buckets that are asked for to catch up; the server gives no more than 1,500. */
const MOST_MISSED = 1000;

/** @typedef {{userId: string, query: string, from: number | null, to: number | null}} Asked ms since 1970 */
/** @typedef {[number, number, number]} Count errors and worse, warnings, all others */
/** @typedef {{start: number, count: Count}} Bar */

/** @param {number} span ms @returns {number} ms of a bar */
export function fitting(span) {
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
    /** Back to when it is counted, and whether that is all. */
    this.counted = 0;
    this.isWhole = this.isBusy = false;
    /** @type {URLSearchParams | null} what is asked for and not yet counted whole */
    this.wanted = null;
    this.rounds = 0;
  }

  /** @param {number} from @param {number} to */
  reset(from, to) {
    this.buckets.clear();
    this.from = from;
    this.to = this.counted = to;
    this.unit = to - from <= DAY ? MINUTE : fitting(to - from);
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
    if (!signal.aborted) this.changed();
  }

  /** Count what came since, or go on where there was no answer. @param {number} now ms */
  async refresh(now) {
    const { asked } = this;
    if (!asked || this.isBusy || (this.isWhole && asked.to !== null)) return;
    if (asked.to === null && now - this.to > MOST_MISSED * this.unit) {
      await this.begin(asked, now);
      return;
    }
    const { signal } = this.control;
    if (this.wanted) {
      await this.ask(this.wanted);
    } else {
      // Whole minutes are told: the last one may have been counted before its end.
      const from = asked.query ? this.to : Math.floor(this.to / this.unit) * this.unit;
      await this.count(asked, from, now);
    }
    if (!signal.aborted) this.changed();
  }

  /** @param {Asked} asked @param {number} from @param {number} to */
  async count({ userId, query }, from, to) {
    this.rounds = 0;
    this.wanted = new URLSearchParams({
      user_id: userId, q: query, minutes: String(this.unit / MINUTE), from: rfc3339(from), to: rfc3339(to),
    });
    await this.ask(this.wanted);
  }

  /** @param {URLSearchParams} wanted of which a part may be counted */
  async ask(wanted) {
    const { signal } = this.control;
    this.isBusy = true;
    while (this.rounds < MOST_ROUNDS) {
      this.rounds += 1;
      const answer = await this.get(`/api/histogram?${wanted}`, signal);
      if (signal.aborted) return;
      if (!answer) break;
      for (const { time, counts } of answer.buckets) this.add(Date.parse(time), grouped(counts), Boolean(wanted.get("q")));
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

  /** All is counted. @param {number} to */
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
    if (before) count.forEach((lines, index) => { before[index] += lines; });
    else this.buckets.set(start, count);
  }

  /** @returns {number} */
  get total() { return [...this.buckets.values()].reduce((total, count) => total + sum(count), 0); }

  /** @returns {{width: number, bars: Bar[]}} what to show: every bar of the range, ms */
  shown() {
    let { from } = this;
    if (this.asked?.from === null && this.isWhole) {
      const first = Math.min(...this.buckets.keys());
      from = Math.max(from, this.to - (SPANS.find((span) => this.to - span * MINUTE <= first) ?? 1440) * MINUTE);
    }
    const width = Math.max(this.unit, fitting(this.to - from));
    /** @type {Map<number, Count>} */
    const bars = new Map();
    for (let start = Math.floor(from / width) * width; start < this.to; start += width) bars.set(start, [0, 0, 0]);
    for (const [start, count] of this.buckets) {
      const bar = bars.get(Math.floor(start / width) * width);
      if (bar) count.forEach((lines, index) => { bar[index] += lines; });
    }
    return { width, bars: [...bars].map(([start, count]) => ({ start, count })) };
  }
}

/** @param {number} moment */
const rfc3339 = (moment) => new Date(moment).toISOString();

/** @param {string} address @param {AbortSignal} signal @returns {Promise<any>} `null` where there is no answer */
async function getJson(address, signal) {
  try {
    const answer = timed(await fetch(address, { signal, cache: "no-store" }));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
