/**
 * The fields that the reader looks at: the columns beside each line, which the server keeps for the account or a link
 * names, and the panel of a field's top values.
 */

import { readAddress } from "./address.js";
import { loaded } from "./api.js";
import { whenPlaceChanges } from "./cells.js";
import { dropDown } from "./dropdown.js";

export const MOST_COLUMNS = 8;
/** A name that the search language can write; as on the server. */
export const NAME = /^[A-Za-z_@][\w.@-]{0,99}$/;

/** @typedef {{userId: string, names: string[]}} Change the columns, in order, that a destination is to have */

export class Columns {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {{destinations: import("./destinations.js").Destinations, lists: () => import("./list.js").LogList[],
   *   csrfToken: string, reconnect: () => void, keepingPlace: (change: () => void) => void,
   *   say: (problem: string) => void, top: HTMLElement, zone: import("./time.js").Zone, userId: () => string,
   *   search: import("./search.js").Search}} around `reconnect`: lines that arrive from now on have other columns
   */
  constructor(menu, around) {
    this.menu = menu;
    this.around = around;
    /** @type {string[]} in order */
    this.names = [];
    /** @type {Change | null} the last change, while the server has not answered it */
    this.pending = null;
    /** @type {import("./top.js").TopValues | undefined} */
    this.values = undefined;
    dropDown(menu, () => this.use((choosing) => choosing.open(this)));
    // Here, since the reader may be quicker than the module, and the browser would leave the page.
    menu.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.use((choosing) => choosing.add(this));
    });
    whenPlaceChanges(() => this.use((choosing) => choosing.draw(this)));
  }

  /** Whether they come with the page's address. */
  get areLinked() { return readAddress("columns") !== ""; }

  /** A part of addresses: with it, the server sends the values too. */
  get asked() { return this.names.length ? `&columns=${encodeURIComponent(this.names.join(","))}` : ""; }

  /** The columns that the reader asked for last; the next change starts from these. */
  get wanted() {
    const { pending } = this;
    return pending?.userId === this.around.destinations.userId ? pending.names : this.names;
  }

  /** Take the columns of the destination, or of the link, since either or the search has changed. */
  begin() {
    this.values?.begin();
    const text = readAddress("columns") || this.around.destinations.chosen.columns;
    this.names = [...new Set(text.split(",").filter((name) => NAME.test(name)))].slice(0, MOST_COLUMNS);
    for (const list of this.around.lists()) list.columns = this.names;
    this.menu.hidden = !this.names.length;
    /** @type {HTMLElement} */ (this.menu.querySelector(".count")).textContent = String(this.names.length);
  }

  /** Show a field as a column, or no more. @param {string} name */
  toggle(name) {
    if (this.wanted.includes(name)) this.remove(name);
    else this.change([...this.wanted, name]);
  }

  /** @param {string} name */
  remove(name) { this.change(this.wanted.filter((each) => each !== name)); }

  /** Show the top values of a field. @param {string} name */
  async top(name) {
    const top = await loaded(import("./top.js"), this.around.say);
    if (!top) return;
    this.menu.open = false;
    this.values ??= new top.TopValues(this.around.top, this.around);
    this.values.show(name);
  }

  /** Close the top values. @returns {boolean} whether they were open */
  leave() {
    if (!this.values?.isOpen) return false;
    this.values.close();
    return true;
  }

  /** @param {string[]} names in order */
  async change(names) {
    if (names.length > MOST_COLUMNS) {
      this.around.say(`There can be at most ${MOST_COLUMNS} columns: remove one first.`);
      return;
    }
    const change = { userId: this.around.destinations.userId, names };
    this.pending = change;
    await this.use((choosing) => choosing.change(this, change));
    if (this.pending === change) this.pending = null;
  }

  /** @param {(choosing: typeof import("./choosing.js")) => unknown} act */
  async use(act) {
    const choosing = await loaded(import("./choosing.js"), this.around.say);
    if (choosing) await act(choosing);
  }
}
