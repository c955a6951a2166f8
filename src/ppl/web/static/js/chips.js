/** The terms of the search as chips: always visible, and removed by a click. */

import { button } from "./element.js";
import { terms, without } from "./query.js";

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
      chip.addEventListener("click", () => this.search.set(without(query, term)));
      const item = document.createElement("li");
      item.append(chip);
      return item;
    }));
    this.list.hidden = !this.list.childElementCount;
  }
}
