/** Lines that are not live: older ones before the reader reaches the top, newer ones again, and those of gaps. */

import { GapRow } from "./gaps.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {{events: LogEvent[], isOldestEventReached: string, before?: string, after?: string}} Portion */

const NEAR = 800;
const BY_CLICK = 1000;

export class History {
  /**
   * @param {import("./list.js").LogList} list
   * @param {(range: {after?: string, before?: string}) => boolean} ask sends `get_logs`; whether it could
   * @param {{oldestReached: () => void, newestReached: () => void}} tell
   */
  constructor(list, ask, tell) {
    this.list = list;
    this.ask = ask;
    this.tell = tell;
    this.loading = false;
    /** @type {Set<GapRow>} */
    this.filling = new Set();
  }

  /** What was asked for will not come: the connection is gone, or the server could not answer. */
  forget() {
    this.loading = false;
    for (const gap of this.filling) gap.rest();
    this.filling.clear();
  }

  /** Load before the reader is there, in both directions. */
  loadNear() {
    const { list } = this;
    if (this.loading || list.isLive || !list.count) return;
    if (list.pane.scrollTop < NEAR && !list.atOldest) {
      this.loading = this.ask({ before: String(list.oldestId) });
    } else if (!list.atNewest && list.below < NEAR) {
      this.loading = this.ask({ after: String(list.newestId) });
    }
  }

  /** @param {import("./gaps.js").Gap} gap @returns {GapRow} */
  appendGap(gap) {
    const row = new GapRow(gap, (each) => this.fill(each, BY_CLICK));
    this.list.appendGap(row.element);
    return row;
  }

  /** @param {GapRow} gap @param {number} quota most lines, about */
  fill(gap, quota) {
    if (!gap.element.isConnected || !this.ask(gap.range)) return;
    gap.begin(quota);
    this.filling.add(gap);
  }

  /** @param {Portion} portion an answer to `ask` */
  received(portion) {
    if (portion.after === undefined) this.receivedOlder(portion);
    else if (portion.before === undefined) this.receivedNewer(portion);
    else this.receivedBetween(portion);
  }

  /** @param {Portion} portion */
  receivedOlder({ events, before, isOldestEventReached }) {
    this.loading = false;
    if (Number(before) !== this.list.oldestId) return;
    this.list.prepend(events);
    this.list.trimHistory();
    if (isOldestEventReached === "true") this.tell.oldestReached();
    else this.loadNear();
  }

  /** @param {Portion} portion */
  receivedNewer({ events, after }) {
    this.loading = false;
    if (Number(after) !== this.list.newestId) return;
    this.list.append(events);
    this.list.trimHistory();
    if (events.length) {
      this.loadNear();
    } else {
      this.list.atNewest = true;
      this.tell.newestReached();
    }
  }

  /** @param {Portion} portion */
  receivedBetween({ events, after }) {
    const gap = [...this.filling].find((each) => String(each.after) === after);
    if (!gap) return;
    this.filling.delete(gap);
    if (!gap.element.isConnected) return;
    if (!events.length) {
      this.list.keepingPlace(() => gap.element.remove());
      return;
    }
    this.list.insertBefore(events, gap.element);
    const { quota } = gap;
    if (gap.took(events)) this.fill(gap, Math.max(1, quota - events.length));
    else gap.rest();
    if (this.list.isLive) this.list.followBottom();
    else this.list.trimHistory();
  }
}
