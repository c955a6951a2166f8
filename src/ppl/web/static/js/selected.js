/** The text that the browser copies for selected rows. */

import { lineOf } from "./copy.js";
import { eventOf } from "./rows.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

/**
 * Copy a selection of several rows as lines that include day, zone and severity.
 * @param {ClipboardEvent} event of a pane of rows @param {import("./time.js").Zone} zone
 */
export function copySelected(event, zone) {
  const selection = getSelection();
  if (!selection?.rangeCount) return;
  const range = selection.getRangeAt(0);
  const pane = /** @type {HTMLElement} */ (event.currentTarget);
  const rows = [...pane.querySelectorAll(".row")].filter((row) => range.intersectsNode(row) && isSelected(range, row));
  if (rows.length < 2) return;
  event.clipboardData?.setData("text/plain", rows.map((row) => lineOf(/** @type {LogEvent} */ (eventOf(row)), zone)).join("\n"));
  event.preventDefault();
}

/** Whether text of the row is selected: a range may end before its start. @param {Range} range @param {Element} row */
function isSelected(range, row) {
  const part = range.cloneRange();
  if (!row.contains(range.startContainer)) part.setStartBefore(row);
  if (!row.contains(range.endContainer)) part.setEndAfter(row);
  return part.toString() !== "";
}
