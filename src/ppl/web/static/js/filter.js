/** The filter by sender address: a field, a chip that is always visible while it is set, and the page's address. */

import { readAddress, writeAddress } from "./address.js";

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)$/i;

/** @param {string} text */
export const isAddress = (text) => ADDRESS.test(text);

const MOST_KNOWN = 200;

export class Filter {
  /** @param {HTMLFormElement} form @param {() => void} changed */
  constructor(form, changed) {
    this.form = form;
    this.changed = changed;
    this.field = /** @type {HTMLInputElement} */ (form.elements.namedItem("sender"));
    this.chip = /** @type {HTMLElement} */ (form.querySelector(".chip"));
    this.error = /** @type {HTMLElement} */ (form.querySelector(".problem"));
    this.known = new Set();
    this.sender = "";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set(this.field.value.trim());
    });
    this.chip.addEventListener("click", () => this.set(""));
    this.take(readAddress("sender"));
  }

  /** @param {string} sender an address, or empty for all */
  set(sender) {
    if (sender && !isAddress(sender)) {
      this.refuse("That is no address; write one such as 10.0.0.7, or leave it empty for all.");
      return;
    }
    if (sender === this.sender) return;
    this.take(sender);
    writeAddress("sender", sender);
    this.changed();
  }

  /** @param {string} text */
  refuse(text) { this.error.textContent = text; }

  /** @param {string} sender */
  take(sender) {
    this.sender = isAddress(sender) ? sender : "";
    this.field.value = this.sender;
    this.error.textContent = "";
    this.chip.hidden = !this.sender;
    this.chip.textContent = `sender ${this.sender} ×`;
    this.chip.setAttribute("aria-label", `Remove the filter on sender ${this.sender}`);
  }

  /** Offer an address that was seen. @param {string} sender */
  seen(sender) {
    if (this.known.has(sender) || this.known.size >= MOST_KNOWN) return;
    this.known.add(sender);
    const option = document.createElement("option");
    option.value = sender;
    this.field.list?.append(option);
  }
}
