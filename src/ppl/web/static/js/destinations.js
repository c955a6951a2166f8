/** The menu of destinations; the chosen one is in the page's address. */

import { readAddress, writeAddress } from "./address.js";

export class Destinations {
  /** @param {HTMLSelectElement} menu */
  constructor(menu) { this.menu = menu; }

  /** @param {() => void} changed the reader chose another */
  listen(changed) {
    this.menu.addEventListener("change", () => {
      writeAddress("user_id", this.userId, true);
      // A link's columns are those of its destination.
      writeAddress("columns", "");
      changed();
    });
  }

  get userId() { return this.menu.value; }

  /** The chosen destination: where its senders send to, its columns, and whether it is closed. */
  get chosen() {
    const { host = "", port = "", transport = "", columns = "", closed } = this.menu.selectedOptions[0]?.dataset ?? {};
    return { host, port, transport, columns, isClosed: closed !== undefined };
  }

  /** Note the account's columns of a destination. @param {string} userId @param {string} columns */
  keepColumns(userId, columns) {
    const option = [...this.menu.options].find(({ value }) => value === userId);
    if (option) option.dataset.columns = columns;
  }

  /** Choose the destination that the address names. @returns {boolean} whether that changed the choice */
  follow() {
    const { options, value } = this.menu;
    const named = [...options].find((option) => option.value === readAddress("user_id")) ?? options[0];
    if (named) named.selected = true;
    return this.menu.value !== value;
  }
}
