/** The amber banner shown while there is no connection. */

export class Offline {
  /**
   * @param {HTMLElement} banner
   * @param {(change: () => void) => void} keepingPlace runs a change that moves the log on the page
   * @param {() => void} retry
   */
  constructor(banner, keepingPlace, retry) {
    this.banner = banner;
    this.keepingPlace = keepingPlace;
    this.countdown = /** @type {HTMLElement} */ (banner.querySelector(".countdown"));
    /** @type {HTMLElement} */ (banner.querySelector("button")).addEventListener("click", retry);
  }

  /** @param {number} seconds @param {number} attempt */
  waiting(seconds, attempt) {
    this.countdown.textContent = `Reconnecting in ${seconds} s (attempt ${attempt})…`;
    this.show(true);
  }

  hide() { this.show(false); }

  /** @param {boolean} visible */
  show(visible) {
    if (this.banner.hidden === visible) this.keepingPlace(() => { this.banner.hidden = !visible; });
  }
}
