/** Something of the view that is on or off: on at first, then as the browser remembers it. */

export class Switch {
  /** @param {string} key its name in the browser's memory @param {(isOn: boolean) => void} show */
  constructor(key, show) {
    this.key = key;
    this.show = show;
    this.isOn = remembered(key) !== "off";
    show(this.isOn);
  }

  toggle() { this.set(!this.isOn); }

  /** @param {boolean} isOn */
  set(isOn) {
    this.isOn = isOn;
    this.show(isOn);
    try {
      localStorage.setItem(this.key, isOn ? "on" : "off");
    } catch {
      // In a browser that remembers nothing it is on next time.
    }
  }
}

/** @param {string} key */
function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
