/** A message as nodes: colours, matches, and marks for what is not text. Log text only ever becomes text nodes. */

import { hasColours, Pen } from "./ansi.js";
import { button, element } from "./element.js";
import { fold } from "./fold.js";
import { hasOdd, pieces, visible } from "./text.js";

/** @typedef {import("./marks.js").Finder | null} Finder of what to mark */

// Of a row: a thousand lines of a thousand elements each would hold the page up for half a minute.
const MOST_PIECES = 200;
const LONG_WORD = 60;
const LONG = /(\S{60,})/;

/** The message of a row, folded. @param {string} text @param {Finder} marks */
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
 * The button that shows what is folded, and hides it again. With the keys it is the row's, so Tab passes it by.
 * @param {string} rest @param {string} label @param {Finder} marks @param {Pen} pen has the colours before it
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

/** @param {HTMLElement} parent @param {string} text @param {Finder} marks @param {Pen} pen has the colours before it */
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
 * A run cut at the ends of the matches, which may reach beyond it.
 * @param {string} text @param {number} start where the run begins @param {[number, number][]} found
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
  // Set through the CSSOM, which the CSP allows; a style attribute it does not.
  span.style.color = color;
  span.style.background = background;
  return span;
}

/**
 * Text, in which what is too long for a row is broken where the row ends instead of beginning on a row of its own.
 * @param {HTMLElement} parent @param {string} text @param {number} most pieces
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

/** @param {HTMLElement} parent @param {string} text @param {number} most pieces */
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
