/** The menu of destinations; the chosen one is in the page's address. */

import { readAddress, writeAddress } from "./address.js";

export class Destinations {
  /** @param {HTMLSelectElement} menu */
  constructor(menu) { this.menu = menu; }

  /** @param {() => void} changed the reader chose another */
  listen(changed) {
    this.menu.addEventListener("change", () => {
      writeAddress("user_id", this.userId, true);
      changed();
    });
  }

  get userId() { return this.menu.value; }

  /** The chosen destination: where its senders send to, and whether it is closed. */
  get chosen() {
    const { host = "", port = "", transport = "", closed } = this.menu.selectedOptions[0]?.dataset ?? {};
    return { host, port, transport, isClosed: closed !== undefined };
  }

  /** Choose the destination that the address names. @returns {boolean} whether that changed the choice */
  follow() {
    const { options, value } = this.menu;
    const named = [...options].find((option) => option.value === readAddress("user_id")) ?? options[0];
    if (named) named.selected = true;
    return this.menu.value !== value;
  }
}
