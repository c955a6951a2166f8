/** How much is new while the reader holds the view still. */

export class Fresh {
  constructor() {
    this.base = 0;
    this.counted = 0;
    /** Whether there may be more than the total. */
    this.isAtLeast = false;
  }

  /** A pause begins. @param {number} missed lines that had come and were not shown */
  begin(missed) {
    this.base = missed;
    this.counted = 0;
    this.isAtLeast = false;
  }

  get total() { return this.base + this.counted; }

  /** Lines that were under way when the server was told of the pause. @param {number} lines */
  missed(lines) { this.base += lines; }

  /** `paused_count`: what the server counts since it was told. @param {number} lines */
  report(lines) { this.counted = lines; }

  /**
   * The server begins to count anew, as after a reconnect.
   * @param {number} known lines known to be new by now @param {boolean} isAll whether those are all
   */
  recount(known, isAll) {
    this.base = isAll ? known : Math.max(known, this.total);
    this.counted = 0;
    this.isAtLeast = !isAll;
  }

  toString() { return `${this.total.toLocaleString("en")}${this.isAtLeast ? "+" : ""}`; }
}
