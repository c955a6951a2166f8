/** The bell beside the search: while on, the browser notifies the reader of new hits when the tab is hidden. */

import { loaded } from "./api.js";
import { remember, remembered } from "./memory.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const KEY = "notify";

export class Bell {
  /**
   * @param {HTMLElement} button @param {{query: string}} search @param {() => string} userId the destination
   * @param {(message: string) => void} refuse shows why it cannot be turned on
   */
  constructor(button, search, userId, refuse) {
    this.button = button;
    this.search = search;
    this.userId = userId;
    this.refuse = refuse;
    /** Key of the search that it is on for; survives a reload of this tab. */
    this.chosen = remembered(KEY, "sessionStorage");
    /** @type {import("./notices.js").Notices | null} */
    this.notices = null;
    /** @type {LogEvent | undefined} the newest received while the tab was hidden */
    this.latest = undefined;
    button.addEventListener("click", () => this.turn());
  }

  get key() { return `${this.userId()} ${this.search.query}`; }

  get isOn() { return this.chosen === this.key && globalThis.Notification?.permission === "granted"; }

  /** Adapt to another search. */
  update() {
    this.button.hidden = !this.search.query;
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.told(0);
    // Loaded in advance, while the server can be reached.
    if (this.isOn) this.load();
  }

  async load() {
    const notices = await loaded(import("./notices.js"), this.refuse);
    if (notices) this.notices ??= new notices.Notices();
    return this.notices;
  }

  async turn() {
    const { key, isOn } = this;
    this.refuse("");
    const notices = isOn ? null : await this.load();
    if (!isOn && !notices) return;
    const problem = await notices?.ask(this.search.query) ?? "";
    this.refuse(problem);
    this.chosen = isOn || problem ? "" : key;
    remember(KEY, this.chosen, "sessionStorage");
    this.button.setAttribute("aria-pressed", String(this.isOn));
  }

  /** @param {LogEvent[]} events received lines */
  came(events) {
    if (document.hidden && events.length) this.latest = events[events.length - 1];
  }

  /** @param {number} unseen lines received while the tab was hidden; 0 when it is visible again */
  told(unseen) {
    if (!unseen) this.latest = undefined;
    if (this.isOn || !unseen) this.notices?.tell(unseen, this.search.query, this.latest);
  }
}
