/** The window's title: the search and the number of new lines, so that many tabs can be told apart. */

const LONGEST = 80;

export class Title {
  /** @param {(unseen: number) => void} told called with the lines received while hidden; 0 when visible again */
  constructor(told) {
    this.told = told;
    this.name = "Events";
    this.fresh = "";
    /** Lines received while the page was hidden. */
    this.unseen = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.unseen = 0;
      told(0);
      this.write();
    });
  }

  /** @param {string} query the search, or empty */
  search(query) {
    this.name = query.length > LONGEST ? `${query.slice(0, LONGEST)}…` : query || "Events";
    this.fresh = "";
    this.unseen = 0;
    this.write();
  }

  /** @param {boolean} isPaused @param {import("./fresh.js").Fresh} fresh the count of new lines */
  paused(isPaused, fresh) {
    this.fresh = isPaused && fresh.total ? String(fresh) : "";
    this.write();
  }

  /** @param {number} lines received live */
  came(lines) {
    if (!document.hidden) return;
    this.unseen += lines;
    if (lines) this.told(this.unseen);
    this.write();
  }

  write() {
    const count = this.fresh || (this.unseen ? this.unseen.toLocaleString("en") : "");
    const before = count ? `(${count}) ` : "";
    const title = `${before}${this.name} · Ppl`;
    if (document.title !== title) document.title = title;
  }
}
