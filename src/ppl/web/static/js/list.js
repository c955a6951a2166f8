/**
 * The list of log lines: a sliding window of real DOM rows in chunks, which is cut at the end one does not look at.
 *
 * It knows ids and scrolling, nothing of the connection. Ids are microseconds since 1970 and exact as numbers.
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
    /** @type {import("./marks.js").Marks | null} what to mark in new rows */
    this.marks = null;
    this.count = 0;
    /** Where the last scrolling that is known ended. */
    this.lastTop = 0;
    this.covered = 0;
    /** Whether the last row is the newest event that was sent to us. */
    this.atNewest = true;
    this.atOldest = false;
    /** How far searches looked beyond the rows: ids, 0 where it is not known to be further than these. */
    this.lookedBackTo = this.lookedUpTo = 0;
    /** How many times rows were forgotten at an end: what was asked for beyond it no longer joins what is shown. */
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

  /** @param {boolean} live whether the newest line is followed; then chunks out of sight are not even laid out */
  setLive(live) {
    if (live === this.isLive) return;
    if (live) this.pane.classList.add("live");
    else hold(this);
  }

  // Scrolling

  /** Pixels of rows below what is in sight. */
  get below() { return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight - this.covered; }

  get atBottom() { return this.below <= AT_BOTTOM; }

  /** Note that the next scroll event is ours and not the reader's. */
  touchScroll() { this.lastTop = this.pane.scrollTop; }

  toBottom() {
    this.pane.scrollTop = this.pane.scrollHeight;
    this.touchScroll();
  }

  /** Follow: chunks get their true height only when they are drawn, so again after the next frames. */
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

  /** @param {Element} part @param {number} around pixels beyond what is in sight */
  isWithin(part, around) {
    const [{ top, bottom }, room] = [part.getBoundingClientRect(), this.pane.getBoundingClientRect()];
    return bottom > room.top - around && top < room.bottom + around;
  }

  /** Into sight, as far as it is not and fits; that is no scrolling of the reader's. @param {HTMLElement} row */
  reveal(row) {
    row.scrollIntoView({ block: this.fits(row) ? "nearest" : "start" });
    this.touchScroll();
  }

  /** @param {HTMLElement} row */
  fits(row) { return row.offsetHeight <= this.pane.clientHeight - this.covered; }

  /** @param {boolean} isCovered whether something lies over the lowest rows: then there is room below them */
  setCovered(isCovered) {
    this.covered = isCovered ? COVERED : 0;
    this.pane.classList.toggle("covered", isCovered);
  }

  /** @returns {HTMLElement | null} the first row that is at least partly in sight */
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
   * Run `change` and correct the scroll to the pixel, so that what the reader sees stays.
   * @param {() => void} change @param {HTMLElement | null} row that stays; the first in sight, if it is not in sight
   */
  keepingPlace(change, row = null) {
    if (!row || !this.isInSight(row)) row = this.firstInSight;
    // What the reader scrolled just now, and no event has told of yet.
    const untold = this.pane.scrollTop - this.lastTop;
    const before = row?.getBoundingClientRect().top ?? 0;
    change();
    const moved = row?.isConnected ? row.getBoundingClientRect().top - before : 0;
    if (moved) this.pane.scrollTop += moved;
    this.lastTop = this.pane.scrollTop - untold;
  }

  // Rows

  /** @param {LogEvent[]} events ascending, all newer than what is shown */
  append(events) {
    let previous = this.rowBefore(null);
    let chunk = this.pane.lastElementChild;
    for (const event of events) {
      if (!isChunk(chunk) || chunk.childElementCount >= CHUNK) {
        chunk = this.pane.appendChild(makeChunk());
      }
      const row = makeRow(event, this.zone, this.marks);
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

  /** Put events before a gap's row, to which they belong. @param {LogEvent[]} events @param {HTMLElement} gap */
  insertBefore(events, gap) {
    this.keepingPlace(() => this.insert(events, gap));
  }

  /** @param {LogEvent[]} events @param {Element | null} before a chunk or a gap */
  insert(events, before) {
    let previous = this.rowBefore(before);
    for (let start = 0; start < events.length; start += CHUNK) {
      const chunk = this.pane.insertBefore(makeChunk(), before);
      for (const event of events.slice(start, start + CHUNK)) {
        const row = makeRow(event, this.zone, this.marks);
        chunk.append(row);
        this.separate(row, previous);
        previous = row;
      }
    }
    const next = this.rowFrom(before);
    if (next) this.separate(next, previous);
    this.count += events.length;
  }

  /** @param {HTMLElement} gap a row that stands for lines left out after the last; at an edge it is not needed */
  appendGap(gap) {
    if (this.count) this.pane.append(gap);
    else this.forgetOldest();
  }

  /** Say something at the top, or nothing. @param {HTMLElement | null} note */
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

  /** Live: forget the oldest rows beyond the bound. */
  trimLive() {
    while (this.count > LIVE_ROWS + CHUNK) this.cut(true);
  }

  /** History: forget rows beyond the bound at the end that is farther away. */
  trimHistory() {
    while (this.count > HISTORY_ROWS + CHUNK) {
      const isTop = this.pane.scrollTop > this.below;
      this.keepingPlace(() => this.cut(isTop));
    }
  }

  /** Forget the chunk at one end, and gaps that then are at the edge: scrolling on loads them too. @param {boolean} isTop */
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

  /** A day row stands before `row` where its day differs from that before. @param {HTMLElement} row @param {HTMLElement | null} previous */
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

/** Screen readers go through its rows one by one. */
function makeChunk() {
  const chunk = element("div", "chunk");
  chunk.setAttribute("role", "list");
  return chunk;
}

/** @param {Element | null} part @returns {part is HTMLElement} */
const isChunk = (part) => part?.classList.contains("chunk") ?? false;

/** @param {HTMLElement | null} row */
export const idOf = (row) => Number(row?.dataset.id ?? 0);
