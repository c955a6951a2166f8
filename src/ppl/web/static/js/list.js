/**
 * The list of log lines: a sliding window of DOM rows in chunks, trimmed at the end that the reader does not look at.
 *
 * It knows ids and scrolling, not the connection. Ids are microseconds since 1970 and exact as numbers.
 */

import { element } from "./element.js";
import { hold } from "./layout.js";
import { makeRow } from "./rows.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const CHUNK = 50;
const LIVE_ROWS = 1000;
const HISTORY_ROWS = 3000;
const AT_BOTTOM = 4;
/** Pixels at the bottom that the pill covers; as in viewer.css. */
const COVERED = 56;

export class LogList {
  /** @param {HTMLElement} pane the scrolling element @param {import("./time.js").Zone} zone */
  constructor(pane, zone) {
    this.pane = pane;
    this.zone = zone;
    /** @type {import("./marks.js").Marks | null} the marks for new rows */
    this.marks = null;
    /** @type {string[]} the fields that rows show as columns */
    this.columns = [];
    this.count = 0;
    /** The last known scroll position. */
    this.lastTop = 0;
    this.covered = 0;
    /** Whether the last row is the newest event received. */
    this.atNewest = true;
    this.atOldest = false;
    /** How far searches came beyond the rows, as ids; 0 if not known to be further than the rows. */
    this.lookedBackTo = this.lookedUpTo = 0;
    /** How many times rows were cut at each end: an answer to a request from before a cut does not join the rows. */
    this.topCuts = this.bottomCuts = 0;
    /** @type {HTMLElement | null} */
    this.note = null;
    this.clear();
  }

  /** Forget everything. */
  clear() {
    this.pane.replaceChildren();
    this.pane.removeAttribute("aria-activedescendant");
    this.count = 0;
    this.atNewest = true;
    this.atOldest = false;
    this.lookedBackTo = this.lookedUpTo = 0;
    this.topCuts += 1;
    this.bottomCuts += 1;
    this.note = null;
    this.touchScroll();
  }

  get oldestId() { return idOf(this.pane.querySelector(".row")); }

  get newestId() { return idOf(this.rowBefore(null)); }

  get isLive() { return this.pane.classList.contains("live"); }

  /** @param {boolean} live whether to follow the newest line; then chunks out of sight are not laid out */
  setLive(live) {
    if (live === this.isLive) return;
    if (live) this.pane.classList.add("live");
    else hold(this);
  }

  // Scrolling

  /** Pixels of rows below the visible part. */
  get below() { return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight - this.covered; }

  get atBottom() { return this.below <= AT_BOTTOM; }

  /** Note that the next scroll event comes from the page, not from the reader. */
  touchScroll() { this.lastTop = this.pane.scrollTop; }

  toBottom() {
    this.pane.scrollTop = this.pane.scrollHeight;
    this.touchScroll();
  }

  /** Scroll to the bottom, and again after the next frames, because chunks get their true height only when drawn. */
  followBottom(frames = 2) {
    this.toBottom();
    if (!frames) return;
    requestAnimationFrame(() => {
      if (this.isLive) this.followBottom(frames - 1);
    });
  }

  toTop() { this.pane.scrollTop = 0; }

  /** @param {HTMLElement} row */
  isInSight(row) { return this.isWithin(row, 0); }

  /** @param {Element} part @param {number} around pixels beyond the visible part */
  isWithin(part, around) {
    const [{ top, bottom }, room] = [part.getBoundingClientRect(), this.pane.getBoundingClientRect()];
    return bottom > room.top - around && top < room.bottom + around;
  }

  /** Scroll a row into view, if needed, without this counting as the reader's scrolling. @param {HTMLElement} row */
  reveal(row) {
    row.scrollIntoView({ block: this.fits(row) ? "nearest" : "start" });
    this.touchScroll();
  }

  /** @param {HTMLElement} row */
  fits(row) { return row.offsetHeight <= this.pane.clientHeight - this.covered; }

  /** @param {boolean} isCovered whether the pill covers the lowest rows: then there is space below them */
  setCovered(isCovered) {
    this.covered = isCovered ? COVERED : 0;
    this.pane.classList.toggle("covered", isCovered);
  }

  /** @returns {HTMLElement | null} the first row that is at least partly visible */
  get firstInSight() {
    const { top } = this.pane.getBoundingClientRect();
    for (const chunk of this.pane.querySelectorAll(".chunk")) {
      if (chunk.getBoundingClientRect().bottom <= top) continue;
      for (const row of chunk.querySelectorAll(".row")) {
        if (row.getBoundingClientRect().bottom > top) return /** @type {HTMLElement} */ (row);
      }
    }
    return null;
  }

  /**
   * Run `change` and correct the scroll position to the pixel, so that visible rows stay in place.
   * @param {() => void} change @param {HTMLElement | null} row that stays; the first visible one, if it is not visible
   */
  keepingPlace(change, row = null) {
    if (!row || !this.isInSight(row)) row = this.firstInSight;
    // The reader's latest scrolling, whose event has not arrived yet.
    const untold = this.pane.scrollTop - this.lastTop;
    const before = row?.getBoundingClientRect().top ?? 0;
    change();
    const moved = row?.isConnected ? row.getBoundingClientRect().top - before : 0;
    if (moved) this.pane.scrollTop += moved;
    this.lastTop = this.pane.scrollTop - untold;
  }

  // Rows

  /** @param {LogEvent[]} events ascending, all newer than the rows */
  append(events) {
    let previous = this.rowBefore(null);
    let chunk = this.pane.lastElementChild;
    for (const event of events) {
      if (!isChunk(chunk) || chunk.childElementCount >= CHUNK) {
        chunk = this.pane.appendChild(makeChunk());
      }
      const row = makeRow(event, this.zone, this.marks, this.columns);
      chunk.append(row);
      this.separate(row, previous);
      previous = row;
    }
    this.count += events.length;
  }

  /** Put older events before the first row. @param {LogEvent[]} events */
  prepend(events) {
    this.keepingPlace(() => this.insert(events, this.pane.querySelector(".chunk")));
  }

  /** Put events of a gap before its row. @param {LogEvent[]} events @param {HTMLElement} gap */
  insertBefore(events, gap) {
    this.keepingPlace(() => this.insert(events, gap));
  }

  /** @param {LogEvent[]} events @param {Element | null} before a chunk or a gap */
  insert(events, before) {
    let previous = this.rowBefore(before);
    for (let start = 0; start < events.length; start += CHUNK) {
      const chunk = this.pane.insertBefore(makeChunk(), before);
      for (const event of events.slice(start, start + CHUNK)) {
        const row = makeRow(event, this.zone, this.marks, this.columns);
        chunk.append(row);
        this.separate(row, previous);
        previous = row;
      }
    }
    const next = this.rowFrom(before);
    if (next) this.separate(next, previous);
    this.count += events.length;
  }

  /** @param {HTMLElement} gap row for lines skipped after the last; not needed in an empty list */
  appendGap(gap) {
    if (this.count) this.pane.append(gap);
    else this.forgetOldest();
  }

  /** Show a note at the top, or none. @param {HTMLElement | null} note */
  showNote(note) {
    if (note === this.note) return;
    this.keepingPlace(() => {
      this.note?.remove();
      if (note) this.pane.prepend(note);
    });
    this.note = note;
  }

  forgetOldest() {
    this.atOldest = false;
    this.lookedBackTo = 0;
    this.topCuts += 1;
    this.showNote(null);
  }

  // Bounds

  /** Live: drop the oldest rows beyond the bound. */
  trimLive() {
    while (this.count > LIVE_ROWS + CHUNK) this.cut(true);
  }

  /** History: drop rows beyond the bound, at the end farther from the reader. */
  trimHistory() {
    while (this.count > HISTORY_ROWS + CHUNK) {
      const isTop = this.pane.scrollTop > this.below;
      this.keepingPlace(() => this.cut(isTop));
    }
  }

  /** Drop the chunk at one end and gaps next to it: scrolling there loads their lines too. @param {boolean} isTop */
  cut(isTop) {
    if (isTop) {
      this.forgetOldest();
    } else {
      this.atNewest = false;
      this.lookedUpTo = 0;
      this.bottomCuts += 1;
    }
    const { pane } = this;
    const edge = () => (isTop ? pane.firstElementChild : pane.lastElementChild);
    for (let part = edge(), wasChunk = false; part && !(wasChunk && isChunk(part)); part = edge()) {
      wasChunk ||= isChunk(part);
      this.count -= part.querySelectorAll(".row").length;
      part.remove();
    }
  }

  // Days

  /** Keep a day row before `row` if its day differs. @param {HTMLElement} row @param {HTMLElement | null} previous */
  separate(row, previous) {
    const separator = row.previousElementSibling?.classList.contains("day") ? row.previousElementSibling : null;
    const isNeeded = previous !== null && previous.dataset.day !== row.dataset.day;
    if (!isNeeded) separator?.remove();
    else if (!separator) row.before(element("div", "day", row.dataset.day));
  }

  /** @param {Element | null} part a chunk or a gap, or `null` for the end @returns {HTMLElement | null} */
  rowBefore(part) {
    let before = part ? part.previousElementSibling : this.pane.lastElementChild;
    while (before && !isChunk(before)) before = before.previousElementSibling;
    return /** @type {HTMLElement | null} */ (before?.lastElementChild ?? null);
  }

  /** @param {Element | null} part @returns {HTMLElement | null} the first row at or after it */
  rowFrom(part) {
    let next = part;
    while (next && !isChunk(next)) next = next.nextElementSibling;
    return next?.querySelector(".row") ?? null;
  }
}

/** A chunk, as a list, so that screen readers go through its rows one by one. */
function makeChunk() {
  const chunk = element("div", "chunk");
  chunk.setAttribute("role", "list");
  return chunk;
}

/** @param {Element | null} part @returns {part is HTMLElement} */
const isChunk = (part) => part?.classList.contains("chunk") ?? false;

/** @param {HTMLElement | null} row */
export const idOf = (row) => Number(row?.dataset.id ?? 0);
