/**
 * Suggestions of the search field: recent searches while it is empty, else attributes and their values seen so far.
 * Loaded when the field is first focused.
 */

import { element } from "./element.js";
import { exactTerm, term } from "./query.js";

const MOST_OFFERED = 8;
// Without procid: it would stand in the way of program, and the details offer it.
const ATTRIBUTES = [
  "host", "program", "severity", "ip", "sender", "message", "msgid", "structured_data", "facility", "after", "before",
];
const SEVERITIES = [">=err", ">=warning", "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
/** @type {Record<string, string>} attribute → the attribute whose values are suggested for it */
const ALIASES = { file: "program", sender: "host" };

/**
 * @param {string} before the field's text up to the caret @param {Record<string, Set<string>>} seen
 * @returns {string[]} replacements for the word at the caret
 */
export function completions(before, seen) {
  const word = wordAt(before);
  if (!word) return [];
  const minus = word.startsWith("-") ? "-" : "";
  const [name, typed] = word.slice(minus.length).split(/:(.*)/s);
  const attribute = name.toLowerCase();
  /** @param {string} kind @param {string} part */
  const known = (kind, part) => [...seen[kind] ?? (kind === "severity" ? SEVERITIES : [])]
    .filter((value) => value.toLowerCase().includes(part.toLowerCase()));
  if (typed !== undefined) {
    const kind = ALIASES[attribute] ?? attribute;
    const isExact = kind === "host" || kind === "program";
    const part = isExact ? typed.replace(/^=/, "") : typed;
    return known(kind, part).map((value) => minus + (isExact ? exactTerm : term)(attribute, value))
      .filter((each) => each !== word).slice(0, kind === "severity" ? SEVERITIES.length : MOST_OFFERED);
  }
  return [
    ...ATTRIBUTES.filter((each) => each.startsWith(attribute)).map((each) => `${minus}${each}:`),
    ...["host", "program"].flatMap((kind) => known(kind, name).slice(0, 3).map((value) => minus + exactTerm(kind, value))),
  ].slice(0, MOST_OFFERED);
}

/** @param {string} before @returns {string} its last word, empty within quotes */
const wordAt = (before) => ((before.split('"').length % 2) ? /[^\s()]*$/.exec(before)?.[0] ?? "" : "");

export class Suggest {
  /**
   * @param {import("./search.js").Search} search @param {HTMLElement} list
   * @param {() => Record<string, Set<string>>} seen @param {() => import("./recent.js").Recent} recent
   */
  constructor(search, list, seen, recent) {
    this.search = search;
    this.list = list;
    this.seen = seen;
    this.recent = recent;
    this.at = -1;
    const { field } = search;
    for (const name of ["input", "click", "focus"]) field.addEventListener(name, () => this.offer());
    field.addEventListener("blur", () => this.close());
    search.form.addEventListener("submit", () => this.close());
    field.addEventListener("keydown", (event) => this.key(event));
    // The field keeps the focus: losing it would close the list before the click arrives.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
      if (option) this.take([...list.children].indexOf(option));
    });
    if (document.activeElement === field) this.offer();
  }

  get before() { return this.search.field.value.slice(0, this.search.field.selectionStart ?? 0); }

  offer() {
    this.isRecent = !this.search.field.value.trim();
    const texts = this.isRecent ? this.recent().all.slice(0, MOST_OFFERED) : completions(this.before, this.seen());
    this.list.replaceChildren(...texts.map((text, index) => {
      const option = element("li", "option", text);
      option.id = `option-${index}`;
      option.setAttribute("role", "option");
      return option;
    }));
    this.list.hidden = !texts.length;
    this.search.field.setAttribute("aria-expanded", String(texts.length > 0));
    this.point(-1);
  }

  close() {
    this.list.hidden = true;
    this.search.field.setAttribute("aria-expanded", "false");
    this.point(-1);
  }

  /** @param {number} at */
  point(at) {
    this.at = at;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    this.list.children[at]?.scrollIntoView({ block: "nearest" });
    if (at < 0) this.search.field.removeAttribute("aria-activedescendant");
    else this.search.field.setAttribute("aria-activedescendant", `option-${at}`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const count = this.list.hidden ? 0 : this.list.childElementCount;
    if (step && count) {
      event.preventDefault();
      this.point((this.at + step + (this.at < 0 && step < 0 ? 1 : 0) + count) % count);
    } else if (event.key === "Enter" && this.at >= 0) {
      event.preventDefault();
      this.take(this.at);
    }
  }

  /** @param {number} at */
  take(at) {
    const text = this.list.children[at].textContent ?? "";
    const { field } = this.search;
    if (this.isRecent) {
      this.search.set(text, true);
      return;
    }
    const start = this.before.length - wordAt(this.before).length;
    const isWhole = !text.endsWith(":");
    field.setRangeText(isWhole ? `${text} ` : text, start, field.selectionStart ?? start, "end");
    this.offer();
  }
}
