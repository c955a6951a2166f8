/** Lines that are not live: loads older ones as the reader nears the top, newer ones again, and those of gaps. */

import { GapRow } from "./gaps.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/**
 * @typedef {Object} Portion `send_logs`, or `search_progress` without events
 * @property {LogEvent[]} events
 * @property {string} isOldestEventReached
 * @property {string} [isPartial] `true` if more parts follow
 * @property {string} [before]
 * @property {string} [after]
 * @property {string} [reached] how far a search came; absent at its end
 * @property {string} [left] number of events still to be searched
 */

const NEAR = 800;
const BY_CLICK = 1000;

export class History {
  /**
   * @param {import("./list.js").LogList} list
   * @param {(range: {after?: string, before?: string}) => boolean} ask sends `get_logs`; returns whether it was sent
   * @param {{looked: (history: History) => void, landed?: (from: number, next: number) => void,
   *   newestReached: () => void}} tell
   */
  constructor(list, ask, tell) {
    this.list = list;
    this.ask = ask;
    this.tell = tell;
    /** Whether a request is pending. */
    this.loading = false;
    /** Whether a search stopped without a hit or was cancelled: it continues only when the reader asks. */
    this.isWeary = false;
    this.isCancelled = false;
    /** Whether a search continues until there is a hit: nothing is found yet, or the reader asked. */
    this.isPersistent = false;
    /** Events still to be searched, and the most there were. */
    this.left = this.mostLeft = 0;
    this.topCuts = this.bottomCuts = 0;
    /** `after` of the pending request for newer lines; answers to others are dropped, as the reader has moved on. */
    this.newerAfter = "";
    /** The time gone to, as an id, until its first line has arrived. */
    this.sought = 0;
    /** @type {Set<GapRow>} */
    this.filling = new Set();
  }

  /** Forget pending requests: the connection is lost, or the server could not answer. */
  forget() {
    this.loading = this.isWeary = this.isCancelled = this.isPersistent = false;
    this.newerAfter = "";
    this.left = this.mostLeft = 0;
    for (const gap of this.filling) gap.rest();
    this.filling.clear();
    this.tell.looked(this);
  }

  /** Load lines before the reader reaches the end of the list, in both directions. */
  loadNear() {
    const { list } = this;
    if (this.loading || list.isLive || !list.count) return;
    if (list.pane.scrollTop < NEAR && !list.atOldest && !this.isWeary) this.loadOlder();
    else if (!list.atNewest && list.below < NEAR) this.loadNewer();
  }

  loadOlder() {
    const { list } = this;
    const before = list.lookedBackTo || list.oldestId;
    if (this.loading || !before) return;
    this.isWeary = this.isCancelled = false;
    this.topCuts = list.topCuts;
    this.loading = this.ask({ before: String(before) });
    this.tell.looked(this);
  }

  loadNewer() {
    this.bottomCuts = this.list.bottomCuts;
    this.newerAfter = String(this.list.lookedUpTo || this.list.newestId);
    this.loading = this.ask({ after: this.newerAfter });
  }

  /** Continue the search on request: to older lines or, while seeking a time, to newer ones. */
  goOn() {
    this.isPersistent = true;
    if (!this.isSeeking) {
      this.loadOlder();
      return;
    }
    this.isCancelled = false;
    this.loadNewer();
    this.tell.looked(this);
  }

  /** Whether a search from a time on has found nothing yet. */
  get isSeeking() { return !this.list.count && !this.list.atNewest; }

  /** Replace the list by lines received from a time on. @param {number} id */
  seek(id) {
    this.list.clear();
    this.list.atNewest = false;
    this.sought = id;
    this.isCancelled = false;
    // No ids exist before 1970, or beyond the year 2255.
    this.list.lookedUpTo = Math.min(Math.max(id, 1), Number.MAX_SAFE_INTEGER) - 1;
    this.loadNewer();
  }

  /** @param {import("./gaps.js").Gap} gap @returns {GapRow} */
  appendGap(gap) {
    const row = new GapRow(gap, (each) => this.fill(each, BY_CLICK));
    this.list.appendGap(row.element);
    return row;
  }

  /** @param {GapRow} gap @param {number} quota approximate limit of lines */
  fill(gap, quota) {
    if (!gap.element.isConnected || !this.ask(gap.range)) return;
    gap.begin(quota);
    this.filling.add(gap);
  }

  /** @param {Portion} portion */
  received(portion) {
    if (portion.after === undefined) this.receivedOlder(portion);
    else if (portion.before === undefined) this.receivedNewer(portion);
    else this.receivedBetween(portion);
  }

  /** @param {Portion} portion lines directly before the rows */
  receivedOlder(portion) {
    const { list } = this;
    if (this.topCuts !== list.topCuts) {
      this.loading = portion.isPartial === "true";
      return;
    }
    if (portion.events.length) list.prepend(portion.events);
    this.looked(portion);
    list.trimHistory();
    if (list.isLive) list.followBottom();
    else if (!list.atOldest) this.loadNear();
  }

  /** Note how far back a search, or a portion, came. @param {Portion} portion */
  looked({ events, isPartial, isOldestEventReached, reached, left }) {
    const { list } = this;
    this.isLeft(left);
    this.topCuts = list.topCuts;
    this.loading = isPartial === "true";
    list.atOldest = isOldestEventReached === "true";
    list.lookedBackTo = Number(reached ?? 0);
    this.isPersistent = !events.length && (this.isPersistent || !list.count);
    this.isWeary = !this.loading && !list.atOldest && reached !== undefined && (this.isCancelled || !events.length);
    if (this.isWeary && this.isPersistent && !this.isCancelled) this.loadOlder();
    else this.tell.looked(this);
  }

  /** @param {string} [left] */
  isLeft(left) {
    this.left = Number(left ?? 0);
    this.mostLeft = Math.max(this.mostLeft, this.left);
  }

  /** @param {{reached: string, searchedBackTo?: string, left?: string}} progress `search_progress` */
  progressed({ reached, searchedBackTo, left }) {
    const { list } = this;
    if (!this.loading) return;
    if (searchedBackTo && this.topCuts === list.topCuts) list.lookedBackTo = Number(reached);
    else if (!searchedBackTo && this.isSeeking && this.bottomCuts === list.bottomCuts) list.lookedUpTo = Number(reached);
    else return;
    this.isLeft(left);
    this.tell.looked(this);
  }

  /** @param {Portion} portion */
  receivedNewer({ events, after, reached, isPartial, left }) {
    const { list } = this;
    if (after !== this.newerAfter) return;
    this.loading = isPartial === "true";
    if (!this.loading) this.newerAfter = "";
    if (this.bottomCuts !== list.bottomCuts) return;
    const wasEmpty = !list.count;
    this.isLeft(left);
    list.append(events);
    list.lookedUpTo = Number(reached ?? 0);
    if (wasEmpty) list.toTop();
    list.trimHistory();
    const isEnd = !this.loading && !events.length && reached === undefined;
    if (this.sought && (events.length || isEnd)) {
      this.tell.landed?.(this.sought / 1000, isEnd ? 0 : Number(events[0].id) / 1000);
      this.sought = 0;
    }
    if (this.loading) return;
    if (isEnd) {
      list.atNewest = true;
      this.tell.newestReached();
    } else if (list.count) {
      this.loadNear();
    } else if (!this.isCancelled) {
      this.loadNewer();
    }
  }

  /** @param {Portion} portion */
  receivedBetween({ events, after, reached, isPartial }) {
    const gap = [...this.filling].find((each) => each.asked === after);
    if (!gap) return;
    const isLast = isPartial !== "true";
    if (isLast) this.filling.delete(gap);
    if (!gap.element.isConnected) return;
    if (isLast && !events.length && reached === undefined) {
      this.list.keepingPlace(() => gap.element.remove());
      return;
    }
    if (events.length) this.list.insertBefore(events, gap.element);
    const isMoreWanted = gap.took(events, Number(reached ?? 0));
    if (isLast && isMoreWanted) this.fill(gap, Math.max(1, gap.quota));
    else if (isLast) gap.rest();
    if (this.list.isLive) this.list.followBottom();
    else this.list.trimHistory();
  }
}
