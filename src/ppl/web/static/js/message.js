/** A message as nodes, with colours, matches and invisible characters shown. Log text only ever becomes text nodes. */

import { hasColours, Pen } from "./ansi.js";
import { button, element } from "./element.js";
import { fold } from "./fold.js";
import { hasOdd, pieces, visible } from "./text.js";

/** @typedef {import("./marks.js").Finder | null} Finder finds the parts to mark */

// Per row: a thousand lines of a thousand elements each would block the page for half a minute.
const MOST_PIECES = 200;
const LONG_WORD = 60;
const LONG = /(\S{60,})/;

/** A row's message, folded if long. @param {string} text @param {Finder} marks */
export function makeMessage(text, marks) {
  const message = element("span", "message");
  const pen = new Pen(MOST_PIECES);
  const { shown, rest, label } = fold(text);
  appendText(message, shown, marks, pen);
  if (rest) {
    message.append(folder(rest, label, marks, pen));
  }
  return message;
}

/**
 * The button that unfolds the rest and folds it again. Tab skips it: its key works on the chosen row.
 * @param {string} rest @param {string} label @param {Finder} marks @param {Pen} pen with the colours at its start
 */
function folder(rest, label, marks, pen) {
  const more = button("more", label);
  more.tabIndex = -1;
  const hasMatches = marks !== null && marks.find(rest).length > 0;
  /** @type {HTMLElement | null} */
  let opened = null;
  const write = () => {
    const isOpen = opened?.isConnected ?? false;
    more.textContent = isOpen ? "▾ show less" : `${label}${hasMatches ? " with matches" : ""}`;
    more.classList.toggle("hit", hasMatches && !isOpen);
    more.setAttribute("aria-expanded", String(isOpen));
  };
  more.addEventListener("click", () => {
    if (opened?.isConnected) {
      opened.remove();
    } else {
      if (!opened) {
        opened = element("span", "rest");
        appendText(opened, rest, marks, pen);
      }
      more.before(opened);
    }
    write();
    more.dispatchEvent(new Event("folded", { bubbles: true }));
  });
  write();
  return more;
}

/** @param {HTMLElement} parent @param {string} text @param {Finder} marks @param {Pen} pen with the colours so far */
export function appendText(parent, text, marks = null, pen = new Pen()) {
  if (!marks && !pen.look && !hasColours(text)) {
    appendVisible(parent, text, pen.most);
    return;
  }
  const runs = pen.runs(text);
  if (runs.reduce((sum, run) => sum + pieces(run.text).length, 0) > pen.most * 2) {
    for (const run of runs) run.text = visible(run.text);
  }
  const found = marks ? marks.find(runs.map((run) => run.text).join(""), pen.most) : [];
  let at = 0;
  for (const run of runs) {
    const place = run.look ? looking(run.look) : parent;
    for (const { part, isMatch } of along(run.text, at, found)) {
      appendVisible(isMatch ? place.appendChild(element("mark", "")) : place, part, pen.most);
    }
    if (place !== parent) parent.append(place);
    at += run.text.length;
  }
}

/**
 * A run cut into parts at the boundaries of matches, which may extend beyond the run.
 * @param {string} text @param {number} start index of the run in the message @param {[number, number][]} found
 */
function* along(text, start, found) {
  const end = start + text.length;
  let at = start;
  while (found.length && found[0][0] < end) {
    const [from, to] = found[0];
    if (from > at) yield { part: text.slice(at - start, from - start), isMatch: false };
    at = Math.min(to, end);
    yield { part: text.slice(Math.max(from, start) - start, at - start), isMatch: true };
    if (to > end) return;
    found.shift();
  }
  if (at < end) yield { part: text.slice(at - start), isMatch: false };
}

/** @param {import("./ansi.js").Look} look */
function looking({ color, background, names }) {
  const span = element("span", names);
  // Set through the CSSOM, which the CSP allows, unlike a style attribute.
  span.style.color = color;
  span.style.background = background;
  return span;
}

/**
 * Append text; words too long for a row break at the row's end instead of starting on a new row.
 * @param {HTMLElement} parent @param {string} text @param {number} most limit of pieces
 */
function appendWords(parent, text, most) {
  if (text.length < LONG_WORD || !LONG.test(text)) {
    parent.append(text);
    return;
  }
  const parts = text.split(LONG);
  if (parts.length > most) parent.append(text);
  else parts.forEach((part, index) => parent.append(index % 2 ? element("span", "long", part) : part));
}

/** @param {HTMLElement} parent @param {string} text @param {number} most limit of pieces */
function appendVisible(parent, text, most) {
  if (!hasOdd(text)) {
    appendWords(parent, text, most);
    return;
  }
  const parts = pieces(text);
  if (parts.length > most) {
    parent.append(visible(text));
    return;
  }
  for (const { shown, odd } of parts) {
    if (odd) {
      const odder = element("span", "odd", shown);
      odder.title = odd;
      parent.append(odder);
    } else {
      parent.append(shown);
    }
  }
}
