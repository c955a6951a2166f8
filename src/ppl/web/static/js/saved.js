/** The menu of saved searches beside the search box: shows the one in use, opens, saves and replaces searches. */

import { ask } from "./api.js";
import { dropDown } from "./dropdown.js";
import { button, element } from "./element.js";

/** @typedef {{id: string, name: string, query: string}} SavedSearch */

export class Saved {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {{query: string, set: (query: string) => void}} search
   * @param {() => string} userId the destination of the searches
   * @param {string} csrfToken
   */
  constructor(menu, search, userId, csrfToken) {
    this.menu = menu;
    this.search = search;
    this.userId = userId;
    this.csrfToken = csrfToken;
    this.list = /** @type {HTMLElement} */ (menu.querySelector("ul"));
    this.form = /** @type {HTMLFormElement} */ (menu.querySelector("form"));
    this.name = /** @type {HTMLInputElement} */ (this.form.elements.namedItem("name"));
    this.problem = /** @type {HTMLElement} */ (menu.querySelector(".problem"));
    this.said = /** @type {HTMLElement} */ (menu.querySelector(".said"));
    this.instead = /** @type {HTMLElement} */ (menu.querySelector(".instead"));
    this.button = /** @type {HTMLElement} */ (this.form.querySelector("button"));
    this.summary = /** @type {HTMLElement} */ (menu.querySelector("summary"));
    /** @type {SavedSearch[]} the searches of the destination `owner` */
    this.searches = [];
    this.owner = "";
    /** The content of the list, serialized. */
    this.shown = "";
    /** Name of the saved search last in use. */
    this.lastUsed = "";
    this.name.addEventListener("input", () => this.offer());
    this.close = dropDown(menu, () => this.opened());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  /** After a change of search or destination, show which saved search is in use. */
  async update() {
    if (this.owner !== this.userId()) this.searches = [];
    this.say();
    if (this.search.query && this.owner !== this.userId()) await this.load();
  }

  /** Fetch the destination's saved searches. */
  async load() {
    const owner = this.userId();
    const answer = await this.ask("GET", `?user_id=${encodeURIComponent(owner)}`);
    if (!answer || owner !== this.userId()) return;
    this.owner = owner;
    this.searches = answer.saved;
    this.say();
  }

  /** Show on the menu which search is in use and what would be saved, so that the menu opens complete. */
  say() {
    const { query } = this.search;
    this.form.hidden = !query;
    /** @type {HTMLElement} */ (this.form.querySelector("code")).textContent = query;
    const inUse = this.searches.find((each) => each.query === query);
    if (inUse) this.lastUsed = inUse.name;
    /** @type {HTMLElement} */ (this.summary.firstElementChild).textContent = inUse?.name ?? "Saved";
    this.summary.title = inUse ? `In use: the saved search ${inUse.name}` : "";
    this.summary.classList.toggle("set", Boolean(inUse));
    this.fill();
  }

  async opened() {
    this.problem.textContent = this.said.textContent = "";
    await this.load();
    const names = this.searches.map(({ name }) => name);
    // After changing an opened search, the reader probably wants to save it under the same name.
    if (!this.name.value && names.includes(this.lastUsed) && !this.summary.classList.contains("set")) {
      this.name.value = this.lastUsed;
    }
    this.offer();
  }

  /** @returns {SavedSearch | undefined} the search with the typed name */
  get named() {
    const name = this.name.value.trim().toLowerCase();
    return this.searches.find((each) => each.name.toLowerCase() === name);
  }

  /** Label the button: save under a new name, or replace the search with that name. */
  offer() {
    const { named } = this;
    this.button.textContent = named ? "Replace" : "Save";
    this.instead.replaceChildren();
    if (!named) return;
    this.instead.append("Replaces ", element("code", "", named.query), " for everyone who can read the destination.");
  }

  fill() {
    const shown = JSON.stringify([this.searches, this.search.query]);
    // An unchanged list stays, since it may have the focus.
    if (shown === this.shown) return;
    this.shown = shown;
    this.list.replaceChildren(...this.searches.map(({ name, query }) => {
      const item = document.createElement("li");
      const made = button("", name);
      made.append(element("code", "", query));
      if (query === this.search.query) made.setAttribute("aria-current", "true");
      made.addEventListener("click", () => {
        this.close();
        this.search.set(query);
      });
      item.append(made);
      return item;
    }));
    if (this.searches.length) return;
    this.list.append(element("li", "quiet",
      `Nothing is saved yet${this.search.query ? "" : ": search for something, then save it here"}.`));
  }

  async save() {
    const { query } = this.search;
    const { named } = this;
    const fields = { user_id: this.userId(), name: named?.name ?? this.name.value, query };
    const answer = await this.ask("POST", named ? `/${named.id}` : "", fields);
    if (!answer) return;
    this.name.value = "";
    await this.opened();
    const { name, user_id: userId } = answer.saved;
    this.said.textContent = `${named ? "Replaced" : "Saved as"} ${name}, for everyone who can read ${userId}.`;
  }

  /** @param {string} method @param {string} [more] rest of the address @param {object} [fields] */
  ask(method, more = "", fields) { return ask(this.problem, this.csrfToken, method, `/api/saved${more}`, fields); }
}
