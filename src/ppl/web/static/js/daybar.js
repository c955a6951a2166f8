/** The line above the log: the day of the first line in sight, in the reader's zone. */

export class DayBar {
  /** @param {HTMLElement} bar @param {import("./list.js").LogList} list @param {string} zone */
  constructor(bar, list, zone) {
    this.bar = bar;
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
      const day = this.list.firstInSight?.dataset.day;
      const text = day ? `${day} · ${this.zone}` : "";
      if (this.bar.textContent !== text) this.bar.textContent = text;
    });
  }
}
