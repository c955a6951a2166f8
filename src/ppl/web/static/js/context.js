/**
 * The context: the lines around one event, regardless of the search, over the log, which stays unchanged beneath.
 *
 * Its address, `/events/<id>`, shows the same to everyone who may read the event.
 */

import { logIn } from "./api.js";
import { readAddress } from "./address.js";
import { pathOf } from "./copy.js";
import { element } from "./element.js";
import { History } from "./history.js";
import { LogList } from "./list.js";
import { cover, uncover } from "./rooms.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const AROUND = 50;
const PORTION = 200;
const ADDRESS = /^\/events\/(\d{1,18})$/;

export class Context {
  /**
   * @param {HTMLElement} room
   * @param {{zone: import("./time.js").Zone, userId: () => string, covered: HTMLElement[], left: () => void,
   *   columns: import("./columns.js").Columns,
   *   opened: (row: HTMLElement) => void}} around `covered`: the elements beneath
   */
  constructor(room, around) {
    this.room = room;
    this.around = around;
    /** @param {string} selector @returns {HTMLElement} */
    const part = (selector) => /** @type {HTMLElement} */ (room.querySelector(selector));
    this.words = part(".words");
    this.list = new LogList(part(".lines"), around.zone);
    this.history = new History(this.list, (range) => this.ask(range), {
      looked: () => this.list.showNote(this.list.atOldest ? this.oldest : null), newestReached() {},
    });
    this.oldest = element("div", "note", "Beginning of history");
    this.asked = new AbortController();
    part(".back").addEventListener("click", () => this.leave());
    this.list.pane.addEventListener("scroll", () => this.history.loadNear(), { passive: true });
    addEventListener("popstate", () => this.follow());
  }

  get isOpen() { return !this.room.hidden; }

  /** @returns {string} id of the event in the page's address, or empty */
  get addressed() { return ADDRESS.exec(location.pathname)?.[1] ?? ""; }

  /** @returns {number} id of the last event in the address, 0 if it names only one */
  get last() { return Number(/^\d{1,18}$/.exec(readAddress("to")) ?? 0); }

  /** Show the event in the address, or close the context if there is none. */
  follow() {
    if (this.addressed) this.show(this.addressed);
    else if (this.isOpen) this.hide();
  }

  /** @param {LogEvent} event */
  open(event) {
    const address = new URL(location.href);
    const { pathname, search } = new URL(pathOf(event, this.around.userId()), address);
    address.pathname = pathname;
    address.searchParams.delete("to");
    address.searchParams.set("user_id", new URLSearchParams(search).get("user_id") ?? "");
    // Going from one event's context to another's: Back leaves both.
    if (this.isOpen) history.replaceState(history.state, "", address);
    else history.pushState({ isStep: true }, "", address);
    this.show(event.id);
  }

  /** Return to where the reader came from; if the page was opened by an event's link, to the log. */
  leave() {
    if (history.state?.isStep) {
      history.back();
      return;
    }
    history.pushState(null, "", beneath());
    this.hide();
  }

  /** Close without a step in the browser's history: the reader changed the search or the view. */
  giveWay() {
    if (!this.isOpen) return;
    history.replaceState(null, "", beneath());
    this.hide();
  }

  hide() {
    this.asked.abort();
    uncover(this.room, this.around.covered);
    this.list.clear();
    this.around.left();
  }

  /** @param {string} id */
  async show(id) {
    this.asked.abort();
    this.asked = new AbortController();
    const { last } = this;
    // The panel is laid out while the server reads.
    const asked = this.read(id, AROUND, last ? PORTION : AROUND);
    this.list.clear();
    this.history.forget();
    this.room.hidden = false;
    this.list.pane.focus({ preventScroll: true });
    this.words.textContent = "Reading…";
    const answer = await asked;
    cover(this.room, this.around.covered);
    if (!answer) return;
    this.list.append([...answer.before, answer.event, ...answer.after]);
    this.list.atOldest = answer.is_oldest_reached;
    this.list.atNewest = answer.is_newest_reached;
    const row = /** @type {HTMLElement} */ (this.list.pane.querySelector(`.row[data-id="${answer.event.id}"]`));
    row.classList.add("anchor");
    this.mark();
    const { day, clock, millis } = this.around.zone.write(Date.parse(answer.event.time));
    const what = last > Number(id) ? "Marked lines from" : "Around";
    this.words.textContent = `${what} ${clock}${millis} on ${day} — all lines, not only matches`;
    row.scrollIntoView({ block: "center" });
    this.history.looked({ events: [], isOldestEventReached: String(answer.is_oldest_reached) });
    this.around.opened(row);
  }

  /** Mark the lines that the address names, as far as they are loaded. */
  mark() {
    const { last } = this;
    if (!last) return;
    const first = Number(this.addressed);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.list.pane.querySelectorAll(".row:not(.anchor)"))) {
      const id = Number(row.dataset.id);
      if (id > first && id <= last) row.classList.add("anchor");
    }
  }

  /** @param {{before?: string, after?: string}} range with one of the two @returns {boolean} */
  ask({ before, after }) {
    const id = before ?? after ?? "";
    const { signal } = this.asked;
    this.read(id, before ? PORTION : 0, after ? PORTION : 0).then((answer) => {
      if (signal.aborted) return;
      if (!answer) this.history.loading = false;
      else if (before) {
        this.history.received({ events: answer.before, before, isOldestEventReached: String(answer.is_oldest_reached) });
      } else this.history.received({ events: answer.after, after, isOldestEventReached: "false" });
      this.mark();
    });
    return true;
  }

  /**
   * @param {string} id @param {number} before @param {number} after
   * @returns {Promise<any>} the API's answer; `null` on failure, after telling the reader why
   */
  async read(id, before, after) {
    const { signal } = this.asked;
    const address = `/api/events/${id}/context?before=${before}&after=${after}${this.around.columns.asked}`;
    try {
      const answer = await fetch(`${address}&user_id=${encodeURIComponent(this.around.userId())}`, { signal });
      if (answer.status === 401) logIn();
      const found = await answer.json();
      if (answer.ok) return found;
      this.words.textContent = found.error.message;
    } catch {
      if (!signal.aborted) this.words.textContent = "The server cannot be reached: reload the page to try again.";
    }
    return null;
  }
}

/** @returns {URL} the page's address without the event */
function beneath() {
  const address = new URL(location.href);
  address.pathname = "/";
  address.searchParams.delete("to");
  return address;
}
