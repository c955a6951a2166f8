/** The reader's hand on single lines: the row that is chosen, its details, what is around it, and the keys for them. */

import { Context } from "./context.js";
import { Cursor } from "./cursor.js";
import { Details } from "./details.js";
import { exactTerm } from "./query.js";
import { eventOf } from "./rows.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./list.js").LogList} LogList */

/** Where the details are a sheet over the lines; as in details.css. */
const SHEET = "(max-width: 900px)";

/** Characters of a line that are read aloud when a key chooses it. */
const MOST_SAID = 300;

const MATCH = ".row:has(mark, .hit)";

export class Reading {
  /**
   * @param {{context: HTMLElement, details: HTMLElement, said: HTMLElement, covered: HTMLElement[]}} rooms
   *   `said`: what screen readers are told; `covered` by the context
   * @param {{list: LogList, zone: import("./time.js").Zone, status: import("./status.js").Status,
   *   search: import("./search.js").Search, userId: () => string, pause: () => void, left: () => void,
   *   narrow: (part: Element, isExcluded: boolean) => void}} around
   *   `pause`: hold the lines still; `left`: the context was left
   */
  constructor(rooms, around) {
    this.around = around;
    this.list = around.list;
    this.said = rooms.said;
    this.cursor = new Cursor(() => this.looked, around.pause);
    this.context = new Context(rooms.context, {
      zone: around.zone,
      userId: around.userId,
      covered: rooms.covered,
      opened: (row) => {
        this.cursor.choose(row);
        around.status.rows(this.context.list.count);
      },
      left: around.left,
    });
    this.details = new Details(rooms.details, {
      zone: around.zone,
      userId: around.userId,
      keepingPlace: (change) => this.keepingPlace(change),
      closed: () => this.looked.pane.focus({ preventScroll: true }),
      context: (event) => this.openContext(event),
      only: ({ hostname, sender_ip: ip }) => around.search.add(hostname ? exactTerm("host", hostname) : exactTerm("ip", ip)),
      exclude: (event) => around.search.add(exactTerm("program", event.file_name, true)),
    });
    for (const each of [this.list.pane, this.context.list.pane]) this.listen(each);
  }

  /** @returns {LogList} the list that is looked at */
  get looked() { return this.context.isOpen ? this.context.list : this.list; }

  /** @returns {LogEvent | undefined} of the panel, or of the row that was chosen */
  get event() { return this.details.event ?? eventOf(this.cursor.row); }

  /** @returns {string} a selector of what the search found, where it cannot be marked of every line */
  get match() { return this.looked.marks?.isEmpty ? ".row" : MATCH; }

  /** @param {() => void} change of the page that moves both lists; the chosen row stays */
  keepingPlace(change) {
    const { context, cursor, list } = this;
    const row = cursor.row;
    list.keepingPlace(
      () => context.list.keepingPlace(change, context.isOpen ? row : null), context.isOpen ? null : row);
  }

  /** @param {HTMLElement} pane of a list */
  listen(pane) {
    let wasSelected = false;
    // A click that ends a selection only ends it.
    pane.addEventListener("pointerdown", () => { wasSelected = !getSelection()?.isCollapsed; });
    pane.addEventListener("folded", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest(".row");
      if (row) this.looked.reveal(/** @type {HTMLElement} */ (row));
    });
    pane.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (wasSelected || !getSelection()?.isCollapsed || target.closest("button, a")) return;
      const part = target.closest(".host, .program");
      const row = /** @type {HTMLElement | null} */ (target.closest(".row"));
      if (part) this.around.narrow(part, event.altKey);
      else if (row) this.openDetails(row);
    });
  }

  /** @param {HTMLElement | null} row @param {boolean} [isByKey] */
  openDetails(row, isByKey) {
    const event = eventOf(row);
    if (!event) return;
    this.around.pause();
    this.cursor.choose(row);
    this.details.open(event, isByKey);
  }

  /** @param {LogEvent | undefined} event */
  openContext(event) {
    if (!event) return;
    this.around.pause();
    // There it lies over the lines.
    if (matchMedia(SHEET).matches) this.details.close();
    this.context.open(event);
  }

  /** @param {1 | -1} direction @param {string} [kind] a selector @param {string} [name] of what is looked for */
  step(direction, kind, name = "line") {
    const isFound = this.cursor.step(direction, kind);
    const where = direction > 0 ? "down" : "up";
    this.around.status.problem(isFound ? "" : `No ${name} further ${where} among the lines loaded`);
    if (isFound) this.said.textContent = this.cursor.row?.textContent?.slice(0, MOST_SAID) ?? "";
    if (isFound && this.details.event) this.openDetails(this.cursor.row);
  }

  permalink() {
    if (!this.details.event) this.openDetails(this.cursor.row);
    if (this.details.event) this.details.copyLink();
  }

  close() {
    if (this.details.event) this.details.close();
    else if (this.context.isOpen) this.context.leave();
  }

  /** @returns {Record<string, () => void>} key → what it does */
  get keys() {
    return {
      j: () => this.step(1), k: () => this.step(-1),
      e: () => this.step(1, ".row.err", "error"), E: () => this.step(-1, ".row.err", "error"),
      w: () => this.step(1, ".row.warning", "warning"), W: () => this.step(-1, ".row.warning", "warning"),
      n: () => this.step(1, this.match, "match"), N: () => this.step(-1, this.match, "match"),
      Enter: () => this.openDetails(this.cursor.row, true),
      o: () => /** @type {HTMLElement | null} */ (this.cursor.row?.querySelector(".more") ?? null)?.click(),
      c: () => this.openContext(this.event),
      y: () => this.permalink(),
      Escape: () => this.close(),
    };
  }
}
