/** Whether long lines are wrapped: chosen by key, remembered by the browser. */

const KEY = "wrap";

export class Wrap {
  /** @param {(change: () => void) => void} keepingPlace */
  constructor(keepingPlace) {
    this.keepingPlace = keepingPlace;
    this.set(remembered() !== "off");
  }

  toggle() { this.set(document.documentElement.classList.contains("unwrapped")); }

  /** @param {boolean} isWrapped */
  set(isWrapped) {
    this.keepingPlace(() => document.documentElement.classList.toggle("unwrapped", !isWrapped));
    try {
      localStorage.setItem(KEY, isWrapped ? "on" : "off");
    } catch {
      // A browser that remembers nothing wraps next time.
    }
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
