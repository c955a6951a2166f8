/** The terms of the search as chips: always visible, and removed by a click. */

import { button } from "./element.js";
import { terms, without } from "./query.js";

/** @typedef {import("./query.js").Term} Term */

export class Chips {
  /** @param {HTMLElement} list @param {import("./search.js").Search} search */
  constructor(list, search) {
    this.list = list;
    this.search = search;
  }

  update() {
    const { query } = this.search;
    this.list.replaceChildren(...terms(query).map((term) => {
      const chip = button(term.isExcluded ? "chip excluded" : "chip", "");
      const text = document.createElement("span");
      text.textContent = term.text;
      chip.append(text, " ×");
      chip.setAttribute("aria-label", `Remove ${term.text}`);
      chip.addEventListener("click", () => this.remove(term));
      const item = document.createElement("li");
      item.append(chip);
      return item;
    }));
    this.list.hidden = !this.list.childElementCount;
  }

  /** @param {Term} term of the query shown; a later one, which the server has not answered yet, may be without it */
  remove(term) {
    const { latest } = this.search;
    const found = terms(latest).find(({ text }) => text === term.text);
    if (found) this.search.set(without(latest, found));
  }
}
