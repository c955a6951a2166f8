/** The room of similar lines over the log, which is loaded when it is first asked for. */

import { loaded } from "./api.js";

const NOT_LOADED = "The server cannot be reached: groups of similar lines were not loaded";

export class Grouping {
  /**
   * @param {HTMLElement} room
   * @param {ConstructorParameters<typeof import("./similar.js").Similar>[1]} around
   * @param {{entering: () => void, problem: (words: string) => void}} acts `entering`: something else may lie there
   */
  constructor(room, around, { entering, problem }) {
    this.room = room;
    this.around = around;
    this.entering = entering;
    this.problem = problem;
    /** @type {import("./similar.js").Similar | undefined} */
    this.similar = undefined;
  }

  /** Into the room, or out of it. */
  async toggle() {
    const similar = await loaded(import("./similar.js"), this.problem, NOT_LOADED);
    if (!similar) return;
    this.entering();
    this.similar ??= new similar.Similar(this.room, this.around);
    this.similar.toggle();
  }

  /** Another search. */
  begin() { this.similar?.begin(); }

  /** @returns {boolean} whether there was anything to leave */
  leave() {
    if (!this.similar?.isOpen) return false;
    this.similar.close();
    return true;
  }
}
