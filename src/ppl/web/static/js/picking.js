/** Lines that are picked, from the row that was chosen first to the one that is chosen now. */

export class Picking {
  /** @param {import("./reading.js").Reading} reading */
  constructor(reading) {
    this.reading = reading;
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
    const module = await this.reading.loaded(import("./picked.js"));
    if (!module) return;
    this.picked ??= new module.Picked({ zone: around.zone, userId: around.userId, cleared: () => this.end() });
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
