/**
 * The list of log lines: a sliding window of real DOM rows in chunks, which is cut at the end one does not look at.
 *
 * It knows ids and scrolling, nothing of the connection. Ids are microseconds since 1970 and exact as numbers.
 */

import { element, makeRow } from "./rows.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const CHUNK = 50;
export const LIVE_ROWS = 1000;
export const HISTORY_ROWS = 3000;
const AT_BOTTOM = 4;

export class LogList {
  /** @param {HTMLElement} pane the scrolling element @param {import("./time.js").Zone} zone */
  constructor(pane, zone) {
    this.pane = pane;
    this.zone = zone;
    this.clear();
  }

  /** Forget everything. */
  clear() {
    this.pane.replaceChildren();
    this.count = 0;
    /** Whether the last row is the newest event that was sent to us. */
    this.atNewest = true;
    this.atOldest = false;
    this.touchScroll();
  }

  get oldestId() { return idOf(this.pane.querySelector(".row")); }

  get newestId() {
    const rows = this.pane.lastElementChild?.classList.contains("chunk")
      ? this.pane.lastElementChild.querySelectorAll(".row") : this.pane.querySelectorAll(".row");
    return idOf(rows[rows.length - 1] ?? null);
  }

  get atBottom() { return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight <= AT_BOTTOM; }

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
      if (this.pane.classList.contains("live")) this.followBottom(frames - 1);
    });
  }

  toTop() { this.pane.scrollTop = 0; }

  /** @param {LogEvent[]} events ascending, all newer than what is shown */
  append(events) {
    let chunk = this.pane.lastElementChild;
    for (const event of events) {
      const row = makeRow(event, this.zone);
      const day = this.zone.write(Date.parse(event.time)).day;
      row.dataset.day = day;
      if (!chunk?.classList.contains("chunk") || chunk.childElementCount >= CHUNK) {
        chunk = element("div", "chunk");
        this.pane.append(chunk);
      }
      if (day !== this.lastDay()) chunk.append(this.dayRow(day));
      chunk.append(row);
      this.count += 1;
    }
  }

  /** Put older events before the first row, without moving what the reader sees. @param {LogEvent[]} events */
  prepend(events) {
    this.keepingPlace(() => {
      this.insertChunks(events, this.pane.firstElementChild);
      this.mendDays();
    });
    this.trimBottom(HISTORY_ROWS);
  }

  /** Put events where a gap row is. @param {LogEvent[]} events @param {HTMLElement} gap */
  insertBefore(events, gap) {
    this.keepingPlace(() => {
      this.insertChunks(events, gap);
      this.mendDays();
    });
  }

  /**
   * A row that stands for lines left out between two ids.
   * @param {{after: number, before: number, count: number}} gap ids exclusive
   * @param {(gap: HTMLElement) => void} load
   */
  appendGap(gap, load) {
    const row = element("div", "gap");
    const lines = gap.count ? `${gap.count.toLocaleString()} lines skipped` : "Lines may have been skipped here";
    const button = element("button", "link", "load");
    button.setAttribute("type", "button");
    button.addEventListener("click", () => load(row));
    row.append(`${lines} – `, button);
    row.dataset.after = String(gap.after);
    row.dataset.before = String(gap.before);
    this.pane.append(row);
    return row;
  }

  /** Say at the top that nothing older exists. @param {string} text */
  markOldest(text) {
    this.atOldest = true;
    if (!this.pane.querySelector(".note")) {
      this.keepingPlace(() => this.pane.prepend(element("div", "note", text)));
    }
  }

  /** Live: forget the oldest rows beyond the bound. */
  trimTop() {
    let first = this.pane.firstElementChild;
    while (first && this.count > LIVE_ROWS + CHUNK) {
      this.forget(first);
      this.atOldest = false;
      first = this.pane.firstElementChild;
    }
    const top = this.pane.querySelector(".row");
    if (top && !top.previousElementSibling?.classList.contains("day")) top.before(this.dayRow(top.dataset.day ?? ""));
  }

  /** History: forget the newest rows beyond the bound. @param {number} most */
  trimBottom(most) {
    while (this.count > most + CHUNK && this.pane.lastElementChild) {
      this.forget(this.pane.lastElementChild);
      this.atNewest = false;
    }
  }

  /** @param {Element} part */
  forget(part) {
    this.count -= part.querySelectorAll(".row").length;
    part.remove();
  }

  /** Run `change` above the reader's place and correct the scroll to the pixel. @param {() => void} change */
  keepingPlace(change) {
    const top = this.pane.getBoundingClientRect().top;
    const anchor = [...this.pane.querySelectorAll(".row")].find((row) => row.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor) this.pane.scrollTop += anchor.getBoundingClientRect().top - before;
    this.touchScroll();
  }

  /** @param {LogEvent[]} events @param {Element | null} before */
  insertChunks(events, before) {
    for (let start = 0; start < events.length; start += CHUNK) {
      const chunk = element("div", "chunk");
      for (const event of events.slice(start, start + CHUNK)) {
        const row = makeRow(event, this.zone);
        row.dataset.day = this.zone.write(Date.parse(event.time)).day;
        chunk.append(row);
        this.count += 1;
      }
      this.pane.insertBefore(chunk, before);
    }
  }

  /** Day rows stand where the day changes, and nowhere else. */
  mendDays() {
    for (const day of this.pane.querySelectorAll(".day")) day.remove();
    let last = "";
    for (const row of this.pane.querySelectorAll(".row")) {
      const day = /** @type {HTMLElement} */ (row).dataset.day ?? "";
      if (day !== last) row.before(this.dayRow(day));
      last = day;
    }
  }

  lastDay() {
    const chunks = this.pane.querySelectorAll(".chunk");
    for (let index = chunks.length - 1; index >= 0; index -= 1) {
      const last = chunks[index].lastElementChild;
      if (last) return /** @type {HTMLElement} */ (last).dataset.day ?? "";
    }
    return "";
  }

  /** @param {string} day */
  dayRow(day) {
    const row = element("div", "day", `${day} · ${this.zone.name}`);
    row.dataset.day = day;
    return row;
  }
}

/** @param {Element | null} row */
const idOf = (row) => Number(/** @type {HTMLElement | null} */ (row)?.dataset.id ?? 0);
