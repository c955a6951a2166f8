/** The menu of saved searches beside the search box: says which is in use, opens one, saves or replaces one. */

import { ask } from "./api.js";
import { dropDown } from "./dropdown.js";
import { button, element } from "./element.js";

/** @typedef {{id: string, name: string, query: string}} SavedSearch */

export class Saved {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {{query: string, set: (query: string) => void}} search
   * @param {() => string} userId whose searches
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
    /** @type {SavedSearch[]} those of the destination `owner` */
    this.searches = [];
    this.owner = "";
    /** What the list shows. */
    this.shown = "";
    /** Name of the one that was in use last. */
    this.lastUsed = "";
    this.name.addEventListener("input", () => this.offer());
    this.close = dropDown(menu, () => this.opened());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  /** Another search, or another destination: say which saved one it is. */
  async update() {
    if (this.owner !== this.userId()) this.searches = [];
    this.say();
    if (this.search.query && this.owner !== this.userId()) await this.load();
  }

  /** Another destination has others. */
  async load() {
    const owner = this.userId();
    const answer = await this.ask("GET", `?user_id=${encodeURIComponent(owner)}`);
    if (!answer || owner !== this.userId()) return;
    this.owner = owner;
    this.searches = answer.saved;
    this.say();
  }

  /** Say on the menu which of them is in use, and what would be saved: it is complete when it opens. */
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
    // Whoever has changed the search that was opened wants to keep that, it is likely.
    if (!this.name.value && names.includes(this.lastUsed) && !this.summary.classList.contains("set")) {
      this.name.value = this.lastUsed;
    }
    this.offer();
  }

  /** @returns {SavedSearch | undefined} that of the name that is typed */
  get named() {
    const name = this.name.value.trim().toLowerCase();
    return this.searches.find((each) => each.name.toLowerCase() === name);
  }

  /** Save under a new name, or replace what has that name. */
  offer() {
    const { named } = this;
    this.button.textContent = named ? "Replace" : "Save";
    this.instead.replaceChildren();
    if (!named) return;
    this.instead.append("Replaces ", element("code", "", named.query), " for all who may read the destination.");
  }

  fill() {
    const shown = JSON.stringify([this.searches, this.search.query]);
    // What is the same stays, and has the focus perhaps.
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
    this.said.textContent = `${named ? "Replaced" : "Saved as"} ${name}, for all who may read ${userId}.`;
  }

  /** @param {string} method @param {string} [more] of the address @param {object} [fields] */
  ask(method, more = "", fields) { return ask(this.problem, this.csrfToken, method, `/api/saved${more}`, fields); }
}
