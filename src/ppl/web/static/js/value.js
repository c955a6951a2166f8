/** A menu on a value in an event's details: show only lines with it, exclude them, copy it, and what else is offered. */

import { copyFor } from "./copy.js";
import { button, element } from "./element.js";
import { term } from "./query.js";
import { cutAt } from "./text.js";

const LONGEST = 300;
const BELOW = 4;

/** @typedef {[name: string, act: (chosen: HTMLElement) => void, stays?: boolean]} Choice `stays`: the menu stays open */

/**
 * @param {HTMLElement} value @param {string} source the value as the message writes it, to search for
 * @param {(term: string) => void} narrow
 */
export function openValue(value, source, narrow) {
  // The search field holds one line.
  const text = source.slice(0, cutAt(source, LONGEST)).split(/[\r\n]/)[0];
  openMenu(value, text, [
    ["Only lines with this", () => narrow(term("", text, false))],
    ["Exclude lines with this", () => narrow(term("", text, true))],
    ["Copy value", (chosen) => copyFor(chosen, plain(source)), true],
  ]);
}

/** @param {HTMLElement} at what the menu is for @param {string} title @param {Choice[]} choices */
export function openMenu(at, title, choices) {
  const menu = element("div", "values");
  menu.setAttribute("popover", "");
  menu.setAttribute("role", "group");
  menu.setAttribute("aria-label", title);
  menu.append(element("code", "", title));
  for (const [name, act, stays] of choices) {
    const made = button("", name);
    made.addEventListener("click", () => {
      if (!stays) menu.hidePopover();
      act(made);
    });
    menu.append(made);
  }
  menu.addEventListener("toggle", () => { if (!menu.matches(":popover-open")) menu.remove(); });
  (at.closest("#details") ?? document.body).append(menu);
  menu.showPopover();
  place(menu, at.getBoundingClientRect());
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
