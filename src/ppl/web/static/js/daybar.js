/** The line above the log: the day of the first line in sight, in the reader's zone. */

export class DayBar {
  /**
   * @param {HTMLElement} bar @param {import("./list.js").LogList} list @param {string} zone
   * @param {(row: HTMLElement | null) => void} looked the first row in sight may be another
   */
  constructor(bar, list, zone, looked) {
    this.bar = bar;
    this.looked = looked;
    this.list = list;
    this.zone = zone;
    this.isDue = false;
  }

  /** Look again, at the next frame. */
  update() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      const row = this.list.firstInSight;
      const day = row?.dataset.day;
      const text = day ? `${day} · ${this.zone}` : "";
      if (this.bar.textContent !== text) this.bar.textContent = text;
      this.looked(row);
    });
  }
}
