/** Finds the next line of a kind beyond the loaded ones, by asking the server. Loaded on first use. */

import { idOf } from "./list.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./reading.js").Kind} Kind */

export class Beyond {
  /** @param {import("./reading.js").Reading} reading */
  constructor(reading) {
    this.reading = reading;
    /** Id of a line found, until it is shown with the lines around it. */
    this.wanted = "";
    /** @type {AbortController | null} */
    this.looking = null;
  }

  /** Find the next line and show it. @param {1 | -1} direction @param {Kind} kind */
  async look(direction, kind) {
    this.stop();
    const looking = new AbortController();
    this.looking = looking;
    const { around, context } = this.reading;
    try {
      const found = await this.find(direction, kind, looking.signal);
      if (looking.signal.aborted) return;
      if (!found) this.reading.notFound(direction, kind);
      else if (context.isOpen) context.open(found);
      else this.show(found);
    } catch (error) {
      if (looking.signal.aborted) return;
      const { message } = /** @type {Error} */ (error);
      around.status.problem(error instanceof TypeError ? "The server cannot be reached: try again." : message);
    }
    this.looking = null;
    around.busy("reading");
  }

  /** Cancel the lookup. @returns {boolean} whether one was running */
  stop() {
    this.wanted = "";
    if (!this.looking) return false;
    this.looking.abort();
    this.looking = null;
    this.reading.around.busy("reading");
    return true;
  }

  /**
   * @param {1 | -1} direction @param {Kind} kind @param {AbortSignal} signal
   * @returns {Promise<LogEvent | null>} the nearest line, if there is one
   * @throws {Error} with a message for the reader, or because the lookup was cancelled
   */
  async find(direction, { name, term }, signal) {
    const { around, context } = this.reading;
    const doing = `looking for ${name === "error" ? "an" : "a"} ${name} further ${direction > 0 ? "down" : "up"}`;
    const query = context.isOpen ? "" : around.search.query;
    const asked = new URLSearchParams({
      user_id: around.userId(), q: query && term ? `(${query}) ${term}` : query || term, limit: "1",
      order: direction > 0 ? "oldest" : "newest",
    });
    let reached = "";
    for (let at = this.edge(direction); ;) {
      around.busy(`${doing}${reached} · Esc cancels`);
      asked.set(direction > 0 ? "after" : "before", String(at));
      const answer = await fetch(`/api/events?${asked}`, { signal, cache: "no-store" });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error.message);
      if (found.events.length) return found.events[0];
      if (found.complete) return null;
      at = direction > 0 ? Number(found.reached) - 1 : Number(found.reached);
      reached = `, reached ${around.zone.moment(Date.parse(found.reached_time))}`;
    }
  }

  /** The id to start from: at the gap on the way, or at the end of the loaded lines. @param {1 | -1} direction */
  edge(direction) {
    const { cursor: { gap }, looked } = this.reading;
    if (gap) return idOf(direction > 0 ? looked.rowBefore(gap) : looked.rowFrom(gap));
    return direction > 0 ? looked.lookedUpTo || looked.newestId : looked.lookedBackTo || looked.oldestId;
  }

  /** @param {LogEvent} found */
  show({ id }) {
    this.wanted = id;
    if (!this.came()) this.reading.around.seek(Number(id));
  }

  /** Lines arrived: maybe the one found, then those before it. @returns {boolean} whether the one found is shown */
  came() {
    const { reading, wanted } = this;
    const { list, cursor } = reading;
    const row = wanted && list.pane.querySelector(`.row[data-id="${wanted}"]`);
    if (!(row instanceof HTMLElement)) return false;
    if (row !== cursor.row) {
      cursor.choose(row);
      reading.arrive();
    }
    if (list.atOldest || list.pane.querySelector(".row") !== row) {
      this.wanted = "";
      row.scrollIntoView({ block: "center" });
      list.touchScroll();
    }
    return true;
  }
}
