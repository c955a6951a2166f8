/**
 * The search of the view: its field, its text in the page's address, and what is wrong with a text, said in place.
 *
 * The server is asked what a text means before the view gives up what it shows.
 */

import { readAddress, writeAddress } from "./address.js";
import { getJson } from "./clock.js";
import { withTerm } from "./query.js";

/** @typedef {{from: number | null, to: number | null}} Bounds ms since 1970 between which all matches lie */

/** @type {Bounds} */
const ANY_TIME = { from: null, to: null };

export class Search {
  /**
   * @param {HTMLFormElement} form @param {() => void} changed another query holds from now on
   * @param {(change: () => void) => void} keepingPlace runs what moves the log on the page
   */
  constructor(form, changed, keepingPlace) {
    this.form = form;
    this.changed = changed;
    this.keepingPlace = keepingPlace;
    this.field = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
    this.error = /** @type {HTMLElement} */ (document.getElementById("search-error"));
    /** What the view shows, in the language of docs/search.rst; empty: everything. */
    this.query = readAddress("q");
    this.bounds = ANY_TIME;
    /** @type {string[]} what in it looks like syntax and is text */
    this.hints = [];
    /** What was asked for last; it may still be on its way to become `query`. */
    this.wanted = this.query;
    this.field.value = this.query;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set(this.field.value, true);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      // What is half typed stays, to be gone on with.
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
    /** Whether the server has said that it does not understand the query, as an address may have it. */
    this.isWrong = false;
    /** @type {Promise<void>} until it is known what the query means, as far as the server can be asked */
    this.known = this.readBounds();
  }

  showClear() { this.clear.hidden = !this.field.value && !this.query; }

  /** Into the field, to type over what is there. */
  enter() {
    this.field.focus();
    this.field.select();
  }

  /** Narrow the search. @param {string} term such as `host:web-1` or `-program:nginx` */
  add(term) { this.set(withTerm(this.wanted, term)); }

  /** Search for something else. @param {string} text @param {boolean} [isAgain] also if it is the same */
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

  /** Search for what the address says. @returns {boolean} whether that is another query */
  follow() {
    const query = readAddress("q");
    const isOther = query !== this.query;
    if (isOther) this.take(query);
    return isOther;
  }

  /** @param {string} query @param {any} [meaning] what the server said of it */
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

  /** @param {any} meaning what the server said of the query, if it did */
  learn(meaning) {
    this.bounds = meaning ? boundsOf(meaning) : ANY_TIME;
    this.hints = (meaning?.hints ?? []).map((/** @type {{message: string}} */ { message }) => message);
  }

  /** After a reload the bounds are not known yet. */
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
    // The server counts characters, strings here count UTF-16.
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

/** @param {string} query @returns {Promise<any>} the answer of `/api/query`, `null` where the server cannot be asked */
export const readQuery = (query) => getJson(`/api/query?q=${encodeURIComponent(query)}`);
