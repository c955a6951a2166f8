/** The download menu: a file of the view's lines, and a link to the view. Its content is loaded on first use. */

import { loaded } from "./api.js";
import { dropDown } from "./dropdown.js";

export class TakeAlong {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {() => {userId: string, query: string, newest: number, columns: string[]}} what the view shows
   * @param {(problem: string) => void} say
   */
  constructor(menu, what, say) {
    this.menu = menu;
    this.what = what;
    this.say = say;
    /** @type {import("./download.js").Download | null} */
    this.content = null;
    dropDown(menu, () => this.opened());
    // Here, since the reader may be quicker than the module, and the browser would leave the page.
    menu.querySelector("form")?.addEventListener("submit", async (event) => {
      event.preventDefault();
      (await this.opened())?.begin();
    });
    menu.querySelector(".view button")?.addEventListener("click", () => this.copyLink());
  }

  /** @returns {Promise<import("./download.js").Download | null>} `null` if it cannot be loaded */
  async opened() {
    const download = await loaded(import("./download.js"), this.say);
    if (!download) return null;
    this.content ??= new download.Download(this.menu, this.what);
    this.content.opened();
    return this.content;
  }

  async copyLink() {
    this.menu.open = true;
    (await this.opened())?.copyLink();
  }
}
