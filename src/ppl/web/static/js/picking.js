/** Picks lines, from the row chosen first to the row chosen now. */

export class Picking {
  /** @param {import("./reading.js").Reading} reading */
  constructor(reading) {
    this.reading = reading;
    /** @type {HTMLElement | null} the row where picking began */
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

  /** Extend or shrink the picked lines by one. @param {1 | -1} direction */
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
