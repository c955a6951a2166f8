/** Where the list folds a message: stack traces after some lines, JSON and other long texts after some characters. */

import { besideColours } from "./ansi.js";
import { counted, cutAt } from "./text.js";

/** @typedef {{shown: string, rest: string, label: string}} Folded `rest` is empty if nothing is folded */

const LINES = 3;
const JSON_CHARACTERS = 400;
// Eight rows of a wide window.
const CHARACTERS = 1000;
const LONGEST_JSON = 100_000;

/** @param {string} text @returns {Folded} */
export function fold(text) {
  const isJson = (text.startsWith("{") || text.startsWith("[")) && /[}\]]\s*$/.test(text.slice(-9));
  const whole = isJson && text.includes("\n") ? onOneLine(text) : text;
  const most = isJson ? JSON_CHARACTERS : CHARACTERS;
  const end = endOfLines(whole);
  if (end >= 0 && end <= CHARACTERS) {
    const rest = whole.slice(end);
    return { shown: whole.slice(0, end), rest, label: more(linesOf(rest), "line") };
  }
  // A text only slightly longer is shown whole.
  if (whole.length <= most * 1.25) return { shown: whole, rest: "", label: "" };
  const at = besideColours(whole, cutAt(whole, most));
  return { shown: whole.slice(0, at), rest: whole.slice(at), label: more(whole.length - at, "character") };
}

/** The index where the third line ends if more than one line follows, else -1. @param {string} text */
function endOfLines(text) {
  let end = -1;
  for (let line = 0; line < LINES; line += 1) {
    end = text.indexOf("\n", end + 1);
    if (end < 0) return -1;
  }
  return text.trimEnd().indexOf("\n", end + 1) < 0 ? -1 : end;
}

/** @param {string} rest begins with a newline */
function linesOf(rest) {
  const { length } = rest.trimEnd();
  let lines = 0;
  for (let at = 0; at >= 0 && at < length; at = rest.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** @param {number} count @param {string} what */
const more = (count, what) => `▸ ${counted(count, "more " + what)}`;

/** JSON of several lines on one line; strings and numbers stay verbatim. @param {string} text */
export function onOneLine(text) {
  if (!isJson(text)) return text;
  return text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, (_, words) => words ?? "");
}

/** @param {string} text @returns {boolean} `false` for a very long text, which is not parsed */
function isJson(text) {
  if (text.length > LONGEST_JSON) return false;
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** @param {string} message @returns {{before: string, json: string} | null} its JSON, and the text before it */
export function jsonIn(message) {
  const text = message.trimEnd();
  const start = text.startsWith("[") ? 0 : text.indexOf("{");
  if (start < 0 || !/[}\]]$/.test(text)) return null;
  const json = text.slice(start);
  return isJson(json) ? { before: text.slice(0, start), json } : null;
}
