/** The time bounds of a search: as query text, and in words. */

import { term } from "./query.js";
import { withPart } from "./menus.js";

export const TIMES = ["after", "before"];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** A longer range is widened to all of history. */
const WIDEST = 10 * 24 * 60 * MINUTE;
const NEAR_CHANGE = 3 * 3600_000;

/** @param {number} moment ms since 1970 @param {import("./time.js").Zone} zone @returns {string} as a query reads it */
export function queryTime(moment, zone) {
  // When clocks are set back, a local time occurs twice: UTC is unambiguous.
  const isSure = zone.isKnown && zone.offset(moment - NEAR_CHANGE) === zone.offset(moment + NEAR_CHANGE);
  const text = new Date(moment + (isSure ? zone.offset(moment) : 0)).toISOString();
  const minutes = moment % MINUTE ? text.slice(0, 19) : text.slice(0, 16);
  return isSure ? minutes.replace("T", " ") : `${minutes}Z`;
}

/**
 * @param {string} query @param {number} from ms since 1970 @param {number | null} to exclusive, `null` for no end
 * @param {import("./time.js").Zone} zone @returns {string} the query with these bounds
 */
export function between(query, from, to, zone) {
  const bounds = [term("after", queryTime(from, zone))];
  if (to !== null) bounds.push(term("before", queryTime(to, zone)));
  return withPart(query, TIMES, bounds.join(" "));
}

/**
 * @param {import("./search.js").Bounds} bounds @param {number} now ms since 1970
 * @returns {[number, number] | null} three times as long around the same middle, `null` for all of history
 */
export function widened({ from, to }, now) {
  const end = to ?? now;
  const span = from === null ? Infinity : Math.max(SECOND, end - from);
  if (span > WIDEST) return null;
  const round = span < MINUTE ? SECOND : MINUTE;
  return [Math.floor((end - 2 * span) / round) * round, Math.ceil((end + span) / round) * round];
}

/** @param {import("./search.js").Bounds} bounds @param {import("./time.js").Zone} zone @returns {string} e.g. `00:59 – 01:03` */
export function rangeWords({ from, to }, zone) {
  /** @param {number} moment */
  const short = (moment) => zone.moment(moment).replace(/:00$/, "");
  if (from !== null && to !== null) return `${short(from)} – ${short(to)}`;
  if (from !== null) return `Since ${short(from)}`;
  return to === null ? "" : `Until ${short(to)}`;
}
