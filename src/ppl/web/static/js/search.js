/**
 * The search of the view: its field, its query in the page's address, and errors in a query, shown in place.
 *
 * The server is asked what a query means before the view drops the lines shown.
 */

import { readAddress, writeAddress } from "./address.js";
import { getJson } from "./clock.js";
import { withTerm } from "./query.js";

/** @typedef {{from: number | null, to: number | null}} Bounds ms since 1970 between which all matches lie */

/** @type {Bounds} */
const ANY_TIME = { from: null, to: null };

export class Search {
  /**
   * @param {HTMLFormElement} form @param {() => void} changed called when the query has changed
   * @param {(change: () => void) => void} keepingPlace runs a change that moves the log on the page
   */
  constructor(form, changed, keepingPlace) {
    this.form = form;
    this.changed = changed;
    this.keepingPlace = keepingPlace;
    this.field = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
    this.error = /** @type {HTMLElement} */ (document.getElementById("search-error"));
    /** The current query, in the language of docs/search.rst; empty for everything. */
    this.query = readAddress("q");
    this.bounds = ANY_TIME;
    /** @type {string[]} hints on parts of the query that look like syntax but are searched for as text */
    this.hints = [];
    /** The query asked for last; it becomes `query` unless the server rejects it. */
    this.wanted = this.query;
    this.field.value = this.query;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set(this.field.value, true);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      // The half-typed text stays, to be continued.
      this.wanted = this.query;
      this.refuse(null);
    });
    this.clear = /** @type {HTMLButtonElement} */ (form.querySelector(".clear"));
    this.clear.addEventListener("click", () => {
      this.set("");
      this.field.focus();
    });
    this.field.addEventListener("input", () => this.showClear());
    this.showClear();
    /** Whether the server rejected the query, which may have come from the page's address. */
    this.isWrong = false;
    /** @type {Promise<void>} resolves when the query's meaning is known, or the server did not answer */
    this.known = this.readBounds();
  }

  /** The query that the next change starts from: the one asked for last, unless the server rejected it. */
  get latest() { return this.error.hasChildNodes() ? this.query : this.wanted; }

  showClear() { this.clear.hidden = !this.field.value && !this.query; }

  /** Focus the field and select its text. */
  enter() {
    this.field.focus();
    this.field.select();
  }

  /** Narrow the search. @param {string} term such as `host:web-1` or `-program:nginx` */
  add(term) { this.set(withTerm(this.wanted, term)); }

  /** Set another query. @param {string} text @param {boolean} [isAgain] search again even if it is the same */
  async set(text, isAgain = false) {
    const query = text.trim();
    this.wanted = query;
    this.field.value = query;
    this.showClear();
    const meaning = await readQuery(query);
    if (this.wanted !== query) return;
    if (meaning?.error) {
      this.refuse(meaning.error);
      return;
    }
    if (query !== this.query) {
      writeAddress("q", query, true);
      this.take(query, meaning);
    } else if (isAgain) {
      this.take(query, meaning);
    }
  }

  /** Search for the query in the address. @returns {boolean} whether it is another query */
  follow() {
    const query = readAddress("q");
    const isOther = query !== this.query;
    if (isOther) this.take(query);
    return isOther;
  }

  /** @param {string} query @param {any} [meaning] the server's answer about it */
  take(query, meaning) {
    this.wanted = this.query = this.field.value = query;
    this.showClear();
    this.refuse(null);
    this.field.blur();
    this.learn(meaning);
    this.isWrong = false;
    this.known = meaning ? Promise.resolve() : this.readBounds();
    this.changed();
  }

  /** @param {any} meaning the server's answer about the query, if any */
  learn(meaning) {
    this.bounds = meaning ? boundsOf(meaning) : ANY_TIME;
    this.hints = (meaning?.hints ?? []).map((/** @type {{message: string}} */ { message }) => message);
  }

  /** Fetch the query's bounds, which are unknown after a reload. */
  async readBounds() {
    const { query } = this;
    const meaning = query && await readQuery(query);
    if (!meaning || query !== this.query) return;
    this.isWrong = Boolean(meaning.error);
    if (this.isWrong) return;
    this.learn(meaning);
    this.form.dispatchEvent(new Event("bounds"));
  }

  /** @param {{message: string, position?: number, expected?: string} | null} error of the text in the field, if any */
  refuse(error) { this.keepingPlace(() => this.say(error)); }

  /** @param {{message: string, position?: number, expected?: string} | null} error */
  say(error) {
    const { field } = this;
    this.error.replaceChildren();
    field.setAttribute("aria-invalid", String(Boolean(error)));
    if (!error) return;
    this.error.append(error.expected ? `Expected ${error.expected}.` : error.message);
    if (error.position === undefined) return;
    // The server counts characters, JavaScript counts UTF-16 units.
    const characters = [...this.wanted];
    const before = characters.slice(0, error.position).join("");
    const place = document.createElement("code");
    const mark = document.createElement("mark");
    mark.textContent = characters[error.position] ?? " ";
    place.append(before.slice(-60), mark, characters.slice(error.position + 1).join("").slice(0, 40));
    this.error.append(" ", place);
    if (document.activeElement === field) field.setSelectionRange(before.length, before.length + mark.textContent.length);
  }
}

/** @param {{from: string | null, to: string | null}} meaning @returns {Bounds} */
const boundsOf = ({ from, to }) => ({ from: from ? Date.parse(from) : null, to: to ? Date.parse(to) : null });

/** @param {string} query @returns {Promise<any>} the answer of `/api/query`, `null` on failure */
export const readQuery = (query) => getJson(`/api/query?q=${encodeURIComponent(query)}`);
