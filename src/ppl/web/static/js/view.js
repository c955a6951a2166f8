/**
 * One view of a destination's lines: applies the server's frames to the list, and pauses and resumes it.
 *
 * Live: every line is shown as it arrives. Paused: the list changes only by the reader's own scrolling, and new lines
 * are counted; resuming reads the newest portion and appends it, with a gap row if lines may be missing between.
 */

import { Fresh } from "./fresh.js";
import { History } from "./history.js";
import { Tail } from "./tail.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./history.js").Portion & {since?: string}} Answer */
/** @typedef {import("./gaps.js").GapRow} GapRow */

// After a longer absence, or if more lines may have arrived, only the newest are shown; the rest is a gap row.
const SHORT_ABSENCE_S = 120;
const FEW_LINES = 20_000;

/**
 * @typedef {Object} Surroundings
 * @property {import("./list.js").LogList} list
 * @property {import("./status.js").Status} status
 * @property {(event: string, data?: Record<string, unknown>) => boolean} send
 * @property {() => string} away the state to show while there is no connection
 * @property {() => string} stands why no new line can arrive, or empty
 * @property {(events: LogEvent[]) => void} came called with received lines, shown or not
 * @property {() => void} changed called when the list or its state changed
 * @property {(history: History) => void} looked called when a search progressed or history is complete
 * @property {(from: number, next: number) => void} landed called with the time gone to and that of the first line, or 0
 * @property {() => void} newestReached
 */

export class View {
  /** @param {Surroundings} around */
  constructor(around) {
    this.around = around;
    this.list = around.list;
    this.status = around.status;
    this.fresh = new Fresh();
    this.tail = new Tail((gap, events) => this.showLive(gap, events));
    this.history = new History(this.list, (range) => around.send("get_logs", range), around);
    this.isOnline = false;
    this.isPaused = false;
    this.why = "";
    /** A message to show with the next lines. */
    this.notice = "";
    /** Id of the newest line shown when the reader paused. */
    this.frontier = 0;
    /**
     * The use of the next newest portion: to begin a view, to be appended after a pause, or only to be counted.
     * @type {"beginning" | "resume" | "count"}
     */
    this.awaited = "beginning";
    /** Whether the lines of a pause were requested and have not arrived. */
    this.isResuming = false;
    /** Whether nothing matched before the connection was lost: every line found after it is new. */
    this.knewNone = false;
    /**
     * The use of further parts of the newest portion: older lines to prepend, only counted, or closing a gap.
     * @type {"older" | "counted" | GapRow | null}
     */
    this.rest = null;
    this.begin();
  }

  /** Clear everything for another destination or search. */
  begin() {
    this.list.clear();
    this.tail.clear();
    this.history.forget();
    this.isOnline = false;
    this.isPaused = false;
    this.why = "";
    this.frontier = 0;
    this.awaited = "beginning";
    this.isResuming = false;
    this.rest = null;
    this.list.setLive(true);
    this.showState();
  }

  // The connection

  /** @param {number} silence ms since the last frame @returns {Record<string, string>} fields for `send_user_data` */
  goOn(silence) {
    this.tail.clear();
    this.history.forget();
    // The lines that were closing a gap will not arrive: let the reader load it.
    if (this.rest && typeof this.rest !== "string") this.rest.rest();
    this.rest = null;
    const known = this.list.newestId;
    this.knewNone = !known && this.list.atOldest;
    const seconds = silence / 1000;
    const isShort = seconds < SHORT_ABSENCE_S && seconds * this.status.lastRate < FEW_LINES;
    const isNear = isShort && !this.isPaused && !this.isResuming;
    if (known && isNear && this.list.atNewest) return { since: String(known) };
    this.awaited = !known ? "beginning" : this.isPaused ? "count" : "resume";
    return {};
  }

  online() {
    this.isOnline = true;
    if (this.isPaused) this.around.send("pause_live_update");
    this.showState();
  }

  offline() {
    this.isOnline = false;
    this.history.forget();
    this.showState();
  }

  // Frames

  /** @param {Answer} answer `send_logs` */
  receivedLogs(answer) {
    this.status.problem(this.notice);
    this.notice = "";
    if (answer.since !== undefined) this.receivedLive(answer.events);
    else if (answer.after !== undefined || answer.before !== undefined) this.history.received(answer);
    else if (this.rest) this.receivedRest(this.rest, answer);
    else this.receivedNewest(answer);
    this.around.changed();
    // The first line may have arrived only in a later part.
    this.showState();
  }

  /** @param {LogEvent[]} events */
  receivedLive(events) {
    this.around.came(events);
    if (this.isPaused) {
      // They were in transit when the reader paused: resuming reads them again.
      this.fresh.missed(events.length);
      this.showState();
      return;
    }
    this.status.came(events.length);
    this.tail.add(events, this.list.newestId);
  }

  /** @param {{skipped: number, from: string, to: string}} data `live_gap` */
  receivedGap({ skipped, from, to }) {
    this.status.came(skipped);
    if (this.isPaused) this.fresh.missed(skipped);
    else this.tail.addGap({ after: Number(from) - 1, before: Number(to) + 1, count: skipped }, this.list.newestId);
  }

  /** @param {number} lines `paused_count` */
  receivedCount(lines) {
    if (!this.isPaused) return;
    this.status.came(Math.max(0, lines - this.fresh.counted));
    this.fresh.report(lines);
    this.showState();
  }

  /** @param {string} message @param {string} [event] name of the frame refused */
  refused(message, event) {
    if (event === "get_logs") this.history.forget();
    this.status.problem(message);
  }

  /** @param {Answer} answer the newest portion, or a search's first part of it */
  receivedNewest(answer) {
    const { events } = answer;
    const isAll = answer.isOldestEventReached === "true";
    this.around.came(events);
    this.rest = "older";
    if (this.isPaused) {
      this.rest = "counted";
      const newer = events.filter((event) => Number(event.id) > this.frontier).length;
      const { total } = this.fresh;
      this.fresh.recount(newer, isAll || newer < events.length);
      this.status.came(Math.max(0, this.fresh.total - total));
    } else if (this.awaited === "resume" && this.list.atNewest && this.list.count) {
      this.rest = this.join(answer, isAll) ?? "counted";
    } else {
      this.list.clear();
      this.list.append(events);
      this.history.looked(answer);
      if (this.knewNone) this.status.came(events.length);
    }
    this.isResuming = this.knewNone = false;
    if (answer.isPartial !== "true") this.rest = null;
    if (!this.isPaused) this.list.followBottom();
  }

  /** @param {Answer} answer @param {boolean} isAll @returns {GapRow | null} the gap row, if lines may be missing */
  join({ events, reached, isPartial }, isAll) {
    const after = this.list.newestId;
    const newer = events.filter((event) => Number(event.id) > after);
    const before = Number(reached ?? newer[0]?.id ?? 0);
    const mayMiss = newer.length === events.length && before > after + (reached ? 1 : 0) && !isAll;
    let gap = null;
    if (mayMiss) {
      const count = Math.max(0, this.fresh.total - newer.length);
      gap = this.history.appendGap({ after, before, count, isAbout: true });
      if (isPartial === "true") gap.begin(0);
      // There may be nothing between: ask the server.
      else if (!count) this.history.fill(gap, 1);
    }
    this.list.append(newer);
    this.list.trimLive();
    // Lines of a pause were counted during it.
    if (!this.isResuming) this.status.came(newer.length);
    return gap;
  }

  /** @param {"older" | "counted" | GapRow} rest @param {Answer} answer a further part of the newest portion */
  receivedRest(rest, answer) {
    const isLast = answer.isPartial !== "true";
    if (isLast) this.rest = null;
    if (rest === "older") this.history.received(answer);
    if (typeof rest === "string" || !rest.element.isConnected) return;
    const isJoined = rest.cameBefore(answer, this.list);
    if (isJoined && !isLast) this.around.send("cancel_search");
    else if (isLast && !isJoined && !rest.count) this.history.fill(rest, 1);
    if (this.list.isLive) this.list.followBottom();
  }

  /** @param {import("./tail.js").Gap | null} gap @param {LogEvent[]} events */
  showLive(gap, events) {
    if (gap) this.history.appendGap(gap);
    // Lines requested after a reconnect and live lines may overlap.
    let newest = this.list.newestId;
    this.list.append(events.filter((event) => {
      const isNew = Number(event.id) > newest;
      if (isNew) newest = Number(event.id);
      return isNew;
    }));
    this.list.trimLive();
    this.list.followBottom();
    this.around.changed();
    this.showState();
  }

  /** Stop the search: the reader cancelled. */
  cancelSearch() {
    this.history.isCancelled = true;
    this.around.send("cancel_search");
  }

  // Pause and resume

  /** @param {string} why */
  pause(why) {
    if (this.isPaused || !this.list.count) return;
    this.around.send("pause_live_update");
    this.isPaused = true;
    this.why = why;
    this.frontier = this.list.newestId;
    this.fresh.begin(this.tail.length);
    this.tail.clear();
    this.list.setLive(false);
    this.showState();
    this.history.loadNear();
  }

  /** @param {string} why new reason why the view is paused */
  holdFor(why) {
    if (!this.isPaused) return;
    this.why = why;
    this.showState();
  }

  /** Show lines received from a time on. @param {number} id the time in microseconds since 1970 @param {string} why */
  seek(id, why) {
    if (!this.isOnline) return;
    this.pause(why);
    if (!this.isPaused) return;
    this.why = why;
    this.history.seek(id);
    this.around.changed();
    this.showState();
  }

  resume() {
    if (this.isPaused) {
      this.isPaused = false;
      this.awaited = "resume";
      this.isResuming = true;
      this.list.setLive(true);
      this.around.send("resume_live_update");
      this.showState();
    }
    if (this.list.atNewest) this.list.followBottom();
  }

  showState() {
    const stands = this.around.stands();
    if (!this.isOnline) this.status.state("offline", this.around.away());
    else if (this.isPaused) this.status.state("paused", `Paused — ${this.why}`);
    else if (stands) this.status.state("still", stands);
    else this.status.state("live", this.list.count ? "Live" : "Waiting");
    this.list.setCovered(this.isPaused);
    this.status.jump(this.isPaused, this.fresh);
  }
}
