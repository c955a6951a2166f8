/** The amber banner while there is no connection. */

export class Offline {
  /** @param {HTMLElement} banner @param {() => void} retry */
  constructor(banner, retry) {
    this.banner = banner;
    this.text = /** @type {HTMLElement} */ (banner.querySelector(".text"));
    /** @type {HTMLElement} */ (banner.querySelector("button")).addEventListener("click", retry);
  }

  /** @param {number} seconds @param {number} attempt */
  waiting(seconds, attempt) {
    this.banner.hidden = false;
    this.text.textContent = `Disconnected from the server. Reconnecting in ${seconds} s (attempt ${attempt}). `
      + "No lines are lost: they are stored, and shown on return.";
  }

  hide() { this.banner.hidden = true; }
}
