/** Opens and closes the panel of similar lines, whose module is loaded on first use. */

import { loaded } from "./api.js";

const NOT_LOADED = "The server cannot be reached: groups of similar lines were not loaded";

export class Grouping {
  /**
   * @param {HTMLElement} room
   * @param {ConstructorParameters<typeof import("./similar.js").Similar>[1]} around
   * @param {{entering: () => void, problem: (words: string) => void}} acts `entering`: make room for the panel
   */
  constructor(room, around, { entering, problem }) {
    this.room = room;
    this.around = around;
    this.entering = entering;
    this.problem = problem;
    /** @type {import("./similar.js").Similar | undefined} */
    this.similar = undefined;
  }

  /** Open the panel, or close it. */
  async toggle() {
    const similar = await loaded(import("./similar.js"), this.problem, NOT_LOADED);
    if (!similar) return;
    this.entering();
    this.similar ??= new similar.Similar(this.room, this.around);
    this.similar.toggle();
  }

  /** Group again: the search has changed. */
  begin() { this.similar?.begin(); }

  /** Close the panel. @returns {boolean} whether it was open */
  leave() {
    if (!this.similar?.isOpen) return false;
    this.similar.close();
    return true;
  }
}
