/** The bar above the log: the day of the first visible line, in the reader's zone. */

export class DayBar {
  /**
   * @param {HTMLElement} bar @param {import("./list.js").LogList} list @param {string} zone
   * @param {(row: HTMLElement | null) => void} looked called with the first visible row, which may have changed
   */
  constructor(bar, list, zone, looked) {
    this.bar = bar;
    this.looked = looked;
    this.list = list;
    this.zone = zone;
    this.isDue = false;
  }

  /** Update at the next frame. */
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
