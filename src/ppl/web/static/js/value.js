/** A menu on a value of an event's JSON: show only lines with it, exclude them, or copy it. */

import { copyFor } from "./copy.js";
import { button, element } from "./element.js";
import { term } from "./query.js";
import { cutAt } from "./text.js";

const LONGEST = 300;
const BELOW = 4;

/**
 * @param {HTMLElement} value @param {string} source the value as the message writes it, to search for
 * @param {(term: string) => void} narrow
 */
export function openValue(value, source, narrow) {
  // The search field holds one line.
  const text = source.slice(0, cutAt(source, LONGEST)).split(/[\r\n]/)[0];
  const menu = element("div", "values");
  menu.setAttribute("popover", "");
  menu.setAttribute("role", "group");
  menu.setAttribute("aria-label", text);
  /** @param {string} name @param {(button: HTMLElement) => void} act */
  const offer = (name, act) => {
    const made = button("", name);
    made.addEventListener("click", () => act(made));
    menu.append(made);
  };
  /** @param {boolean} isExcluded */
  const search = (isExcluded) => {
    menu.hidePopover();
    narrow(term("", text, isExcluded));
  };
  menu.append(element("code", "", text));
  offer("Only lines with this", () => search(false));
  offer("Exclude lines with this", () => search(true));
  offer("Copy value", (made) => copyFor(made, plain(source)));
  menu.addEventListener("toggle", () => { if (!menu.matches(":popover-open")) menu.remove(); });
  value.closest("#details")?.append(menu);
  menu.showPopover();
  place(menu, value.getBoundingClientRect());
  menu.querySelector("button")?.focus();
}

/** Place the menu below the value if there is room, else above. @param {HTMLElement} menu @param {DOMRect} at */
function place(menu, at) {
  const { width, height } = menu.getBoundingClientRect();
  const fits = at.bottom + BELOW + height <= innerHeight;
  menu.style.left = `${Math.max(BELOW, Math.min(at.left, innerWidth - width - BELOW))}px`;
  menu.style.top = `${fits ? at.bottom + BELOW : Math.max(BELOW, at.top - height - BELOW)}px`;
}

/** @param {string} source a JSON value, possibly with its key @returns {string} the value as plain text */
function plain(source) {
  const [value] = Object.values(JSON.parse(/^"(?:[^"\\]|\\.)*"\s*:/.test(source) ? `{${source}}` : `[${source}]`));
  return typeof value === "string" ? value : source.replace(/^"(?:[^"\\]|\\.)*"\s*:\s*/, "");
}
