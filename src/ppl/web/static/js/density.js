/** How close lines stand: chosen in the dialog of keys, remembered by the browser. */

const KEY = "density";

export class Density {
  /** @param {HTMLElement} choices radio buttons @param {(change: () => void) => void} keepingPlace */
  constructor(choices, keepingPlace) {
    this.buttons = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll("input")]);
    this.keepingPlace = keepingPlace;
    choices.addEventListener("change", (event) => this.set(/** @type {HTMLInputElement} */ (event.target).value));
    this.set(remembered());
  }

  /** @param {string} value of one of the buttons; else the usual */
  set(value) {
    const chosen = this.buttons.find((each) => each.value === value) ?? this.buttons[1];
    chosen.checked = true;
    this.keepingPlace(() => { document.documentElement.dataset.density = chosen.value; });
    try {
      localStorage.setItem(KEY, chosen.value);
    } catch {
      // A browser that remembers nothing shows the usual next time.
    }
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
