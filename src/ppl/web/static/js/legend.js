/** The histogram's legend: each severity class with its number of lines; a click shows only that class. */

const NAMES = ["err", "warning", "other"];

/** @typedef {import("./counts.js").Count} Count */

export class Legend {
  /** @param {HTMLElement} room @param {() => void} changed */
  constructor(room, changed) {
    this.buttons = NAMES.map((name) => /** @type {HTMLElement} */ (room.querySelector(`button.${name}`)));
    /** Index in {@link Count} of the only class shown, -1 for all. */
    this.only = -1;
    this.buttons.forEach((button, index) => button.addEventListener("click", () => {
      this.only = this.only === index ? -1 : index;
      this.buttons.forEach((each, other) => each.setAttribute("aria-pressed", String(other === this.only)));
      changed();
    }));
  }

  /** @param {Count} count @returns {Count} only the classes shown */
  of(count) {
    return this.only < 0 ? count : /** @type {Count} */ (count.map((lines, index) => (index === this.only ? lines : 0)));
  }

  /** @param {Count} total */
  say(total) {
    this.buttons.forEach((button, index) => {
      const [part, text] = [button.lastElementChild, total[index].toLocaleString("en")];
      if (part && part.textContent !== text) part.textContent = text;
    });
  }
}
