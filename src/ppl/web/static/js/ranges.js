/** Times that the search is bounded by: written for the query, and asked for in a dialog where no menu has them. */

import { now } from "./clock.js";
import { term } from "./query.js";
import { readQuery } from "./search.js";
import { withPart } from "./menus.js";

export const TIMES = ["after", "before"];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** What is longer is widened to all of history. */
const WIDEST = 10 * 24 * 60 * MINUTE;
const NEAR_CHANGE = 3 * 3600_000;
/** How far the server's clock may be from what is known of it. */
const UNSURE_MS = 5000;

/** @param {number} moment ms since 1970 @param {import("./time.js").Zone} zone @returns {string} as a query reads it */
export function queryTime(moment, zone) {
  // Where clocks are turned back a time of day is two moments: UTC names one.
  const isSure = zone.isKnown && zone.offset(moment - NEAR_CHANGE) === zone.offset(moment + NEAR_CHANGE);
  const text = new Date(moment + (isSure ? zone.offset(moment) : 0)).toISOString();
  const minutes = moment % MINUTE ? text.slice(0, 19) : text.slice(0, 16);
  return isSure ? minutes.replace("T", " ") : `${minutes}Z`;
}

/**
 * @param {string} query @param {number} from ms since 1970 @param {number | null} to exclusive, `null` for no end
 * @param {import("./time.js").Zone} zone @returns {string} the query, bounded so
 */
export function between(query, from, to, zone) {
  const bounds = [term("after", queryTime(from, zone))];
  if (to !== null) bounds.push(term("before", queryTime(to, zone)));
  return withPart(query, TIMES, bounds.join(" "));
}

/**
 * @param {import("./search.js").Bounds} bounds @param {number} now ms since 1970
 * @returns {[number, number] | null} three times as long around the same middle, `null` where that is nearly everything
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

/** A dialog of fields for times in words, which the server reads. */
export class TimeDialog {
  /**
   * @param {HTMLDialogElement} dialog its fields are named `after` and `before`, or one of these
   * @param {(times: Record<string, number>, terms: string) => void} chosen ms since 1970 by field, and as query text
   */
  constructor(dialog, chosen) {
    this.dialog = dialog;
    this.chosen = chosen;
    this.form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.error = /** @type {HTMLElement} */ (dialog.querySelector(".problem"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    dialog.querySelector(".cancel")?.addEventListener("click", () => dialog.close());
  }

  /** @param {Record<string, string>} [values] by field */
  open(values = {}) {
    this.error.textContent = "";
    for (const field of this.form.querySelectorAll("input")) field.value = values[field.name] ?? "";
    this.dialog.showModal();
  }

  async submit() {
    /** @type {Record<string, number>} */
    const times = {};
    const texts = [];
    for (const { name, value } of this.form.querySelectorAll("input")) {
      if (!value.trim()) continue;
      texts.push(term(name, value.trim()));
      const meaning = await readQuery(texts[texts.length - 1]);
      if (!meaning || meaning.error) {
        this.error.textContent = meaning ? `Expected ${meaning.error.expected ?? "a time"}.` : "The server cannot be reached.";
        return;
      }
      times[name] = Date.parse(meaning[name === "after" ? "from" : "to"] ?? "1970-01-01T00:00:00Z");
      if (name === "after" && times.after > now() + UNSURE_MS) {
        this.error.textContent = "That is in the future: nothing has come from then on.";
        return;
      }
    }
    this.dialog.close();
    this.chosen(times, texts.join(" "));
  }
}
