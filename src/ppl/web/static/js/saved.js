/** The menu of saved searches beside the search box: opens one, and saves what is searched for under a name. */

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
    menu.addEventListener("toggle", () => { if (menu.open) this.opened(); });
    // The page's keys are not meant for what has the focus here.
    menu.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.close();
    });
    addEventListener("pointerdown", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(/** @type {Node} */ (event.relatedTarget))) menu.open = false;
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  close() {
    this.menu.open = false;
    this.menu.querySelector("summary")?.focus();
  }

  async opened() {
    this.problem.textContent = this.said.textContent = "";
    const { query } = this.search;
    this.form.hidden = !query;
    /** @type {HTMLElement} */ (this.form.querySelector("code")).textContent = query;
    const answer = await this.ask("GET", `?user_id=${encodeURIComponent(this.userId())}`);
    if (answer) this.fill(answer.saved);
  }

  /** @param {{name: string, query: string}[]} searches */
  fill(searches) {
    this.list.replaceChildren(...searches.map(({ name, query }) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.append(name);
      const code = document.createElement("code");
      code.textContent = query;
      button.append(code);
      button.addEventListener("click", () => {
        this.close();
        this.search.set(query);
      });
      item.append(button);
      return item;
    }));
    if (searches.length) return;
    const item = document.createElement("li");
    item.className = "quiet";
    item.textContent = `Nothing is saved yet${this.search.query ? "" : ": search for something, then save it here"}.`;
    this.list.append(item);
  }

  async save() {
    const { query } = this.search;
    const fields = { user_id: this.userId(), name: this.name.value, query };
    const answer = await this.ask("POST", "", fields);
    if (!answer) return;
    await this.opened();
    this.said.textContent = `Saved as ${answer.saved.name}, for all who may read ${answer.saved.user_id}.`;
    this.name.value = "";
  }

  /**
   * @param {string} method @param {string} [more] of the address @param {object} [fields]
   * @returns {Promise<any>} `null` if refused, which is then said
   */
  async ask(method, more = "", fields) {
    this.problem.textContent = "";
    try {
      const answer = await fetch(`/api/saved${more}`, {
        method,
        cache: "no-store",
        headers: fields && { "Content-Type": "application/json", "X-CSRF-Token": this.csrfToken },
        body: fields && JSON.stringify(fields),
      });
      const value = await answer.json();
      if (answer.ok) return value;
      this.problem.textContent = value.error.message;
    } catch {
      this.problem.textContent = "The server cannot be reached.";
    }
    return null;
  }
}
