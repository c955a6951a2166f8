/** Times as shown to the reader: in the account's time zone, which may be an offset such as `+02.00`. */

import { now } from "./clock.js";

const OFFSET = /^([+-])(\d\d)[.:](\d\d)$/;
const QUARTER = 15 * 60 * 1000;
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];

/** @param {number} number @param {number} digits */
const pad = (number, digits = 2) => String(number).padStart(digits, "0");

/** Formats times in one zone. Offsets change only on quarters of an hour, so Intl is asked once per quarter. */
export class Zone {
  /** @param {string} name `+02.00`, `+02:00` or an IANA name */
  constructor(name) {
    const offset = OFFSET.exec(name);
    this.name = offset ? `UTC${offset[1]}${offset[2]}:${offset[3]}` : name;
    this.fixed = offset ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60000 : null;
    this.format = offset ? null : formatOf(name);
    /** Whether this browser knows the zone; if not, UTC is used. */
    this.isKnown = Boolean(offset || this.format);
    if (!this.isKnown) {
      this.name = `UTC (this browser does not know ${name})`;
      this.fixed = 0;
    }
    /** @type {Map<number, number>} */
    this.offsets = new Map();
  }

  /** @param {number} moment ms since the epoch @returns {number} ms to add to UTC */
  offset(moment) {
    if (this.fixed !== null || !this.format) return this.fixed ?? 0;
    const quarter = Math.floor(moment / QUARTER);
    let offset = this.offsets.get(quarter);
    if (offset === undefined) {
      /** @type {Record<string, number>} */
      const parts = {};
      for (const part of this.format.formatToParts(quarter * QUARTER)) parts[part.type] = Number(part.value);
      offset = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - quarter * QUARTER;
      if (this.offsets.size > 2000) this.offsets.clear();
      this.offsets.set(quarter, offset);
    }
    return offset;
  }

  /** @param {string} time RFC 3339 in UTC @returns {string} RFC 3339 in this zone, e.g. `2026-11-07T10:23:20.295+01:00` */
  stamp(time) {
    const moment = Date.parse(time);
    const offset = this.offset(moment);
    const minutes = Math.abs(offset) / 60_000;
    const local = new Date(moment + offset).toISOString().slice(0, 19) + (/\.\d+/.exec(time)?.[0] ?? "");
    return `${local}${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(Math.floor(minutes % 60))}`;
  }

  /** @param {number} moment @returns {string} e.g. `7 Nov` */
  date(moment) { return this.write(moment).day.replace(/^\w+ (\d+ \w{3}).*/, "$1"); }

  /** @param {number} moment @returns {string} e.g. `09:23:20`, on another day `7 November 2026, 09:23:20` */
  moment(moment) {
    const { day, clock } = this.write(moment);
    return day === this.write(now()).day ? clock : `${day.replace(/^\w+ /, "")}, ${clock}`;
  }

  /** @param {number} moment @returns {{day: string, clock: string, millis: string}} e.g. `09:23:20` and `.295` */
  write(moment) {
    const local = new Date(moment + this.offset(moment));
    return {
      day: `${DAYS[local.getUTCDay()]} ${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]} ${local.getUTCFullYear()}`,
      clock: `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`,
      millis: `.${pad(local.getUTCMilliseconds(), 3)}`,
    };
  }
}

/** @param {string} timeZone @returns {Intl.DateTimeFormat | null} `null` for a zone that the browser does not know */
function formatOf(timeZone) {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
    });
  } catch {
    return null;
  }
}

/** @param {number} seconds @returns {string} `00:42` */
export const elapsed = (seconds) => `${pad(Math.floor(seconds / 60))}:${pad(Math.floor(seconds % 60))}`;
