/** The cells of a row: the values of the fields that the reader chose as columns. */

import { element } from "./element.js";
import { shortened, visible } from "./text.js";

/** The width from which on cells stand between program and message, else below the line. */
const WIDE = matchMedia("(min-width: 641px)");
/** Characters of a value that a row shows, and most characters to which shorter ones are filled up to line up. */
const LONGEST = 32;
const WIDEST = 16;
/** @type {Record<string, number>} column → characters of the longest value so far */
const WIDTHS = {};

/**
 * Put the cells of an event into its row, in place of others; a field that the event does not have has no cell. They are
 * few elements without boxes of their own: there are thousands of rows.
 * @param {HTMLElement} row @param {import("./rows.js").LogEvent} event @param {string[]} columns in order
 */
export function putCells(row, { columns: values = {} }, columns) {
  row.querySelector(":scope > .cells")?.remove();
  const cells = element("span", "cells");
  let before = "";
  for (const name of columns) {
    if (!Object.hasOwn(values, name)) continue;
    const text = shortened(values[name], LONGEST);
    const cell = element("span", "cell", visible(text));
    if (text !== values[name]) cell.title = `${name}: ${values[name]}`;
    const width = Math.min(WIDEST, Math.max(WIDTHS[name] ?? 0, text.length));
    WIDTHS[name] = width;
    cells.append(`${before}${name}=`, cell);
    before = " ".repeat(Math.max(0, width - text.length) + 1);
  }
  if (!before) return;
  cells.append(before);
  row.insertBefore(cells, row.querySelector(WIDE.matches ? ":scope > .message" : ":scope > .pin"));
}

/** @param {() => void} act when the place of cells changes with the width of the page */
export const whenPlaceChanges = (act) => WIDE.addEventListener("change", act);
