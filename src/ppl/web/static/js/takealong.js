/** The menu of what can be taken along of a view: a download, and a link to it. Its content is loaded when it is first opened. */

import { dropDown } from "./dropdown.js";

export class TakeAlong {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {() => {userId: string, query: string, newest: number}} what is shown now
   * @param {(problem: string) => void} say
   */
  constructor(menu, what, say) {
    this.menu = menu;
    this.what = what;
    this.say = say;
    /** @type {Promise<import("./download.js").Download> | null} */
    this.content = null;
    dropDown(menu, () => this.opened());
  }

  /** @returns {Promise<import("./download.js").Download | null>} `null` if it cannot be loaded */
  async opened() {
    this.content ??= import("./download.js").then(({ Download }) => new Download(this.menu, this.what));
    try {
      const content = await this.content;
      content.opened();
      return content;
    } catch {
      this.content = null;
      this.say("The server cannot be reached.");
      return null;
    }
  }

  async copyLink() {
    this.menu.open = true;
    (await this.opened())?.copyLink();
  }
}
