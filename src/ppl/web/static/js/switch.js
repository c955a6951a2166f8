/** A setting of the view that is on or off: on at first, then as the browser remembers it. */

import { remember, remembered } from "./memory.js";

export class Switch {
  /** @param {HTMLElement} box a checkbox, whose id is the storage key @param {(isOn: boolean) => void} show */
  constructor(box, show) {
    this.box = /** @type {HTMLInputElement} */ (box);
    this.key = box.id;
    this.show = show;
    box.addEventListener("change", () => this.set(this.box.checked));
    this.set(remembered(this.key) !== "off");
  }

  toggle() { this.set(!this.box.checked); }

  /** @param {boolean} isOn */
  set(isOn) {
    this.box.checked = isOn;
    this.show(isOn);
    remember(this.key, isOn ? "on" : "off");
  }
}
