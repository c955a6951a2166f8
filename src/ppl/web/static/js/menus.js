/** Menus for a part of the search: one attribute, or some that belong together. An option's value is query text. */

import { terms, withoutAll, withTerm } from "./query.js";

const MOST_OPTIONS = 200;

export class Menu {
  /**
   * @param {HTMLSelectElement} select @param {string[]} attributes @param {import("./search.js").Search} search
   * @param {Record<string, () => void>} [acts] actions of options whose value is not query text
   * @param {() => string} [words] short words for a part of the search that no option has, or empty
   */
  constructor(select, attributes, search, acts = {}, words = () => "") {
    this.words = words;
    this.select = select;
    this.attributes = attributes;
    this.search = search;
    select.addEventListener("change", () => {
      const act = acts[select.value];
      if (act) {
        this.update();
        act();
      } else {
        search.set(withPart(search.latest, attributes, select.value));
      }
    });
  }

  /** Select the option for the search's terms; add one if there is none. */
  update() {
    const { select } = this;
    const said = terms(this.search.query).filter((each) => this.attributes.includes(each.attribute) && !each.isExcluded);
    const value = said.map((each) => each.text).join(" ");
    select.querySelector(".own")?.remove();
    if (![...select.options].some((option) => option.value === value)) {
      const own = new Option(this.words() || value, value);
      own.title = value;
      own.className = "own";
      select.add(own, 1);
    }
    select.value = value;
    select.classList.toggle("set", Boolean(value));
  }

  /** Remove the offered options, except for the search's own. */
  forget() {
    this.select.length = 1;
    this.update();
  }

  /** Add an option. @param {string} label @param {string} value */
  offer(label, value) {
    if (this.select.length >= MOST_OPTIONS || [...this.select.options].some((each) => each.value === value)) return;
    const before = [...this.select.options].findIndex((each, index) => index > 0 && each.text > label);
    this.select.add(new Option(label, value), before < 0 ? null : before);
  }
}

/**
 * @param {string} query @param {string[]} attributes @param {string} part replaces the query's terms of these
 * @returns {string}
 */
export function withPart(query, attributes, part) {
  const rest = withoutAll(query, attributes);
  return terms(part).reduce((text, each) => withTerm(text, each.text), rest);
}
