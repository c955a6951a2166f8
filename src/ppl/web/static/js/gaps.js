/** A row that stands for lines skipped between two ids; a click loads some of them. */

import { button, element } from "./element.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./tail.js").Gap & {isAbout?: boolean}} Gap `count` 0 if it is unknown how many, or whether any */

export class GapRow {
  /** @param {Gap} gap @param {(gap: GapRow) => void} load */
  constructor(gap, load) {
    this.after = gap.after;
    this.before = gap.before;
    this.count = gap.count;
    this.isAbout = gap.isAbout ?? false;
    /** Lines still to be loaded without another click. */
    this.quota = 0;
    this.asked = "";
    this.element = element("div", "gap");
    this.words = element("span", "words");
    this.button = button("link", "load");
    this.button.addEventListener("click", () => load(this));
    this.element.append(this.words, " ", this.button);
    this.rest();
  }

  /** The range that is still missing, for `get_logs`. */
  get range() { return { after: String(this.after), before: String(this.before) }; }

  /** @param {number} quota */
  begin(quota) {
    this.quota = quota;
    /** `after` of the pending request. */
    this.asked = String(this.after);
    this.words.textContent = "Loading…";
    this.button.hidden = true;
  }

  /**
   * @param {LogEvent[]} events the next lines of the gap
   * @param {number} reached id up to which a search came
   * @returns {boolean} whether to ask for more at once
   */
  took(events, reached) {
    this.after = Math.max(reached, Number(events.at(-1)?.id ?? 0), this.after);
    this.quota -= events.length;
    const wasKnown = this.count > 0;
    this.count = Math.max(0, this.count - events.length);
    // All counted lines are loaded: one more request tells whether there are others.
    return this.quota > 0 || (wasKnown && this.count === 0);
  }

  /**
   * Close the gap from its newer end. @param {import("./history.js").Portion} portion the lines right after it
   * @param {import("./list.js").LogList} list @returns {boolean} whether it is closed
   */
  cameBefore({ events, reached, isOldestEventReached, isPartial }, list) {
    const newer = events.filter((event) => Number(event.id) > this.after);
    list.keepingPlace(() => list.insert(newer, this.element.nextElementSibling));
    this.before = Number(reached ?? this.before);
    this.count = Math.max(0, this.count - newer.length);
    const isClosed = newer.length < events.length || this.before <= this.after + 1 || isOldestEventReached === "true";
    if (isClosed) list.keepingPlace(() => this.element.remove());
    else if (isPartial !== "true") this.rest();
    return isClosed;
  }

  /** No request is pending: show the count and the button. */
  rest() {
    const lines = `${this.count.toLocaleString("en")} ${this.count === 1 ? "line" : "lines"} skipped –`;
    if (!this.count) this.words.textContent = "Lines may have been skipped here –";
    else this.words.textContent = this.isAbout ? `About ${lines}` : lines;
    this.button.hidden = false;
  }
}
