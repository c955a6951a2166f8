/** Lines that are picked, from the row that was chosen first to the one that is chosen now. */

export class Picking {
  /** @param {import("./reading.js").Reading} reading @param {() => void} unreachable */
  constructor(reading, unreachable) {
    this.reading = reading;
    this.unreachable = unreachable;
    /** @type {HTMLElement | null} the row from which lines are picked */
    this.anchor = null;
    /** @type {import("./picked.js").Picked | null} */
    this.picked = null;
  }

  /** Pick all lines from the first one to this one. @param {HTMLElement} row */
  async pick(row) {
    const { around, cursor } = this.reading;
    around.pause();
    this.anchor ??= cursor.row ?? row;
    cursor.choose(row);
    try {
      const { Picked } = await import("./picked.js");
      this.picked ??= new Picked({ zone: around.zone, userId: around.userId, cleared: () => this.end() });
    } catch {
      this.unreachable();
      return;
    }
    if (!this.anchor || cursor.row !== row) return;
    const { looked } = this.reading;
    this.picked.show(looked.pane, this.anchor, row);
    looked.reveal(row);
  }

  /** @param {1 | -1} direction in which one more line is picked, or one less */
  reach(direction) {
    const { cursor } = this.reading;
    this.anchor ??= cursor.row;
    this.reading.step(direction);
    if (cursor.row) this.pick(cursor.row);
  }

  end() {
    this.anchor = null;
    this.picked?.hide();
  }
}
