/** The bell beside the search: while it rings, new hits of this search are told by the browser when nobody looks. */

import { loaded } from "./api.js";
import { remember, remembered } from "./memory.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const KEY = "notify";

export class Bell {
  /**
   * @param {HTMLElement} button @param {{query: string}} search @param {() => string} userId the destination
   * @param {(message: string) => void} refuse says why it cannot be
   */
  constructor(button, search, userId, refuse) {
    this.button = button;
    this.search = search;
    this.userId = userId;
    this.refuse = refuse;
    /** The search that it rings for; a reload of this tab keeps it. */
    this.chosen = remembered(KEY, "sessionStorage");
    /** @type {import("./notices.js").Notices | null} */
    this.notices = null;
    /** @type {LogEvent | undefined} the newest that came while nobody looked */
    this.latest = undefined;
    button.addEventListener("click", () => this.turn());
  }

  get key() { return `${this.userId()} ${this.search.query}`; }

  get isOn() { return this.chosen === this.key && globalThis.Notification?.permission === "granted"; }

  /** Another search. */
  update() {
    this.button.hidden = !this.search.query;
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.told(0);
    // Loaded while the server is there.
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

  /** @param {LogEvent[]} events lines came */
  came(events) {
    if (document.hidden && events.length) this.latest = events[events.length - 1];
  }

  /** @param {number} unseen lines that came while nobody looked, 0 when somebody does again */
  told(unseen) {
    if (!unseen) this.latest = undefined;
    if (this.isOn || !unseen) this.notices?.tell(unseen, this.search.query, this.latest);
  }
}
