/** An event's JSON, pretty-printed in its details; each value opens a menu of actions. */

import { button, element } from "./element.js";
import { linesOf } from "./json.js";
import { appendText } from "./message.js";
import { visible } from "./text.js";
import { openValue } from "./value.js";

const LINES_AT_ONCE = 200;
const MORE_LINES = 2000;
/** Most characters by which the continuation of a wrapped line is indented. */
const DEEPEST = 20;

/**
 * @param {string} json valid @param {(term: string) => void} narrow the search
 * @returns {HTMLElement[]} the JSON, and a button if there is more of it
 */
export function makeJson(json, narrow) {
  const block = element("pre", "json");
  const lines = linesOf(json);
  /** @type {WeakMap<Element, string>} value → its source in the message */
  const sources = new WeakMap();
  const open = (/** @type {HTMLElement} */ value) => openValue(value, sources.get(value) ?? "", narrow);
  block.addEventListener("keydown", (event) => step(event, open));
  block.addEventListener("click", (event) => {
    const value = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[role=button]"));
    if (value && getSelection()?.isCollapsed) open(value);
  });
  /** @param {number} most @returns {boolean} whether there are more */
  const show = (most) => {
    for (let count = 0; count < most; count += 1) {
      const { value, done } = lines.next();
      if (done) return false;
      block.append(makeLine(value, sources, !block.querySelector("[role=button]")));
    }
    return true;
  };
  if (!show(LINES_AT_ONCE)) return [block];
  const more = button("more", "▸ more lines");
  more.addEventListener("click", () => { if (!show(MORE_LINES)) more.remove(); });
  return [block, more];
}

/**
 * @param {import("./json.js").Piece[]} pieces @param {WeakMap<Element, string>} sources
 * @param {boolean} isFirst whether there is no value yet: Tab leads to the first value, arrow keys to the others
 */
function makeLine(pieces, sources, isFirst) {
  const line = element("span", "line");
  for (const { text, kind, source } of pieces) {
    if (!kind) {
      line.append(visible(text));
      continue;
    }
    const span = line.appendChild(element("span", kind));
    appendText(span, text);
    if (!source) continue;
    sources.set(span, source);
    span.setAttribute("role", "button");
    span.setAttribute("aria-haspopup", "true");
    span.tabIndex = isFirst ? 0 : -1;
    isFirst = false;
  }
  // A hanging indent: lines wider than the panel wrap below their own beginning.
  const indent = Math.min(DEEPEST, line.textContent?.search(/\S/) ?? 0) + 2;
  line.style.paddingLeft = `${indent}ch`;
  line.style.textIndent = `-${indent}ch`;
  return line;
}

/** @param {KeyboardEvent} event within the JSON @param {(value: HTMLElement) => void} open */
function step(event, open) {
  const block = /** @type {HTMLElement} */ (event.currentTarget);
  const values = /** @type {HTMLElement[]} */ ([...block.querySelectorAll("[role=button]")]);
  const at = values.indexOf(/** @type {HTMLElement} */ (event.target));
  if (at < 0) return;
  const next = event.key === "ArrowDown" ? values[at + 1] : event.key === "ArrowUp" ? values[at - 1] : null;
  if (next) {
    values[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  } else if (event.key === "Enter" || event.key === " ") open(values[at]);
  else if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
  event.stopPropagation();
}
