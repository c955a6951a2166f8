/** Counts the new lines while the view is paused. */

export class Fresh {
  constructor() {
    this.base = 0;
    this.counted = 0;
    /** Whether there may be more new lines than the total. */
    this.isAtLeast = false;
  }

  /** Begin a pause. @param {number} missed lines received but not yet shown */
  begin(missed) {
    this.base = missed;
    this.counted = 0;
    this.isAtLeast = false;
  }

  get total() { return this.base + this.counted; }

  /** Add lines that were in transit when the pause began. @param {number} lines */
  missed(lines) { this.base += lines; }

  /** `paused_count`: the server's count since it learned of the pause. @param {number} lines */
  report(lines) { this.counted = lines; }

  /**
   * The server starts counting from zero again, as after a reconnect.
   * @param {number} known lines known to be new so far @param {boolean} isAll whether those are all
   */
  recount(known, isAll) {
    this.base = isAll ? known : Math.max(known, this.total);
    this.counted = 0;
    this.isAtLeast = !isAll;
  }

  toString() { return `${this.total.toLocaleString("en")}${this.isAtLeast ? "+" : ""}`; }
}
