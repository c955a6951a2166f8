/** The cells of a row: the values of the fields that the reader chose as columns. */

import { element } from "./element.js";
import { visible } from "./text.js";

/** The width from which on cells stand between program and message, else below the line. */
const WIDE = matchMedia("(min-width: 641px)");
/** Most characters by which shorter values are widened to line up with longer ones. */
const WIDEST = 16;
/** @type {Record<string, number>} column → characters of the longest value so far */
const WIDTHS = {};

/**
 * Put the cells of an event into its row, in place of others; a field that the event does not have has no cell.
 * @param {HTMLElement} row @param {import("./rows.js").LogEvent} event @param {string[]} columns in order
 */
export function putCells(row, { columns: values = {} }, columns) {
  row.querySelector(":scope > .cells")?.remove();
  const cells = element("span", "cells");
  for (const name of columns) {
    if (!Object.hasOwn(values, name)) continue;
    const value = element("span", "value", visible(values[name]));
    WIDTHS[name] = Math.min(WIDEST, Math.max(WIDTHS[name] ?? 0, values[name].length));
    value.style.minWidth = `${WIDTHS[name]}ch`;
    const cell = element("span", "cell");
    cell.dataset.column = name;
    cell.title = `${name}: ${values[name]}`;
    cell.append(element("span", "name", `${name}=`), value);
    cells.append(cell, " ");
  }
  if (cells.childElementCount) row.insertBefore(cells, row.querySelector(WIDE.matches ? ":scope > .message" : ":scope > .pin"));
}

/** @param {() => void} act when the place of cells changes with the width of the page */
export const whenPlaceChanges = (act) => WIDE.addEventListener("change", act);
