/** The spacing of lines: chosen in the help dialog, remembered by the browser. */

import { remember, remembered } from "./memory.js";

const KEY = "density";

export class Density {
  /** @param {HTMLElement} choices radio buttons @param {(change: () => void) => void} keepingPlace */
  constructor(choices, keepingPlace) {
    this.buttons = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll("input")]);
    this.keepingPlace = keepingPlace;
    choices.addEventListener("change", (event) => this.set(/** @type {HTMLInputElement} */ (event.target).value));
    this.set(remembered(KEY));
  }

  /** @param {string} value of one of the buttons; any other means the default */
  set(value) {
    const chosen = this.buttons.find((each) => each.value === value) ?? this.buttons[1];
    chosen.checked = true;
    this.keepingPlace(() => { document.documentElement.dataset.density = chosen.value; });
    remember(KEY, chosen.value);
  }
}
