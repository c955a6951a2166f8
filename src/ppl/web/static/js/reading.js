/** Reading single lines: the chosen row, its details, its context, and the keys for these. */

import { loaded } from "./api.js";
import { Context } from "./context.js";
import { Cursor } from "./cursor.js";
import { Details } from "./details.js";
import { Picking } from "./picking.js";
import { eventOf } from "./rows.js";
import { copySelected } from "./selected.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./list.js").LogList} LogList */

/** The widths at which the details are a sheet over the lines; as in details.css. */
const SHEET = "(max-width: 900px)";
const UNREACHABLE = "The server cannot be reached: try again.";

/** Characters of a line that screen readers announce when a key chooses it. */
const MOST_SAID = 300;

/** @typedef {{name: string, rows: string, term: string}} Kind `rows`: selector of its rows; `term`: its search term */

/** @type {Kind} */
const LINE = { name: "line", rows: ".row", term: "" };
/** @type {Kind} */
const ERROR = { name: "error", rows: ".row.err", term: "severity:>=err" };
/** @type {Kind} */
const WARNING = { name: "warning", rows: ".row.warning", term: "severity:warning" };
/** @type {Kind} */
const MATCH = { name: "match", rows: ".row:has(mark, .hit)", term: "" };

export class Reading {
  /**
   * @param {{context: HTMLElement, details: HTMLElement, said: HTMLElement, covered: HTMLElement[]}} rooms
   *   `said`: the live region for screen readers; `covered`: the elements beneath the context
   * @param {{list: LogList, zone: import("./time.js").Zone, status: import("./status.js").Status,
   *   search: import("./search.js").Search, userId: () => string, pause: () => void, left: () => void,
   *   narrow: (part: Element, isExcluded: boolean) => void, seek: (id: number) => void,
   *   busy: (why: string) => void, columns: import("./columns.js").Columns}} around
   *   `pause`: hold the lines still; `left`: the context was left; `seek`: show lines from an id on; `busy`: show why
   *   the lines are held
   */
  constructor(rooms, around) {
    this.around = around;
    this.list = around.list;
    this.said = rooms.said;
    /** @type {import("./beyond.js").Beyond | null} */
    this.beyond = null;
    this.cursor = new Cursor(() => this.looked, around.pause);
    this.context = new Context(rooms.context, {
      zone: around.zone,
      userId: around.userId,
      columns: around.columns,
      covered: rooms.covered,
      opened: (row) => {
        this.cursor.choose(row);
        around.status.rows(this.context.list.count);
      },
      left: () => {
        this.picking.end();
        around.left();
      },
    });
    this.details = new Details(rooms.details, {
      zone: around.zone,
      userId: around.userId,
      columns: around.columns,
      keepingPlace: (change) => this.keepingPlace(change),
      closed: () => this.looked.pane.focus({ preventScroll: true }),
      context: (event) => this.openContext(event),
      narrow: (term) => around.search.add(term),
    });
    this.picking = new Picking(this);
    for (const each of [this.list.pane, this.context.list.pane]) this.listen(each);
  }

  /** @returns {LogList} the list on top: the context's if it is open, else the log */
  get looked() { return this.context.isOpen ? this.context.list : this.list; }

  /** @returns {LogEvent | undefined} the event of the details, or of the chosen row */
  get event() { return this.details.event ?? eventOf(this.cursor.row); }

  /** @param {() => void} change one that moves both lists on the page; the chosen row stays in place */
  keepingPlace(change) {
    const { context, cursor, list } = this;
    const row = cursor.row;
    list.keepingPlace(
      () => context.list.keepingPlace(change, context.isOpen ? row : null), context.isOpen ? null : row);
  }

  /** @param {HTMLElement} pane of a list */
  listen(pane) {
    let wasSelected = false;
    let isFinger = false;
    // A click that clears a selection does nothing else.
    pane.addEventListener("pointerdown", ({ pointerType }) => {
      wasSelected = !getSelection()?.isCollapsed;
      isFinger = pointerType === "touch";
    });
    // Shift-click picks lines instead of selecting text.
    pane.addEventListener("mousedown", (event) => {
      if (event.shiftKey && getSelection()?.isCollapsed) event.preventDefault();
    });
    pane.addEventListener("copy", (event) => copySelected(event, this.around.zone));
    pane.addEventListener("folded", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest(".row");
      if (row) this.looked.reveal(/** @type {HTMLElement} */ (row));
    });
    pane.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (wasSelected || !getSelection()?.isCollapsed || target.closest("button, a")) return;
      const part = target.closest(".host, .program");
      const row = /** @type {HTMLElement | null} */ (target.closest(".row"));
      if (event.shiftKey) {
        if (row) this.picking.pick(row);
        return;
      }
      this.picking.end();
      if (part && isFinger) this.offer(part, row);
      else if (part) this.around.narrow(part, event.altKey || event.ctrlKey || event.metaKey);
      else if (row) this.openDetails(row);
    });
  }

  /** Touch has no Ctrl-click, and hits by accident. @param {Element} part @param {HTMLElement | null} row */
  async offer(part, row) {
    const choices = await this.loaded(import("./choices.js"));
    choices?.offerPart(part, this.around.narrow, () => this.openDetails(row));
  }

  /** @param {HTMLElement | null} row @param {boolean} [isByKey] */
  openDetails(row, isByKey) {
    const event = eventOf(row);
    if (!event) return;
    this.around.pause();
    this.cursor.choose(row);
    this.details.open(event, isByKey);
    // The pill may cover the row. A row taller than the pane stays as the reader has scrolled it.
    if (row && this.looked.fits(row)) this.looked.reveal(row);
  }

  /** Give up the picked lines, the lookup and the context: the search has changed. */
  giveWay() {
    this.picking.end();
    this.stopLooking();
    this.context.giveWay();
  }

  /** @param {LogEvent | undefined} event */
  openContext(event) {
    if (!event) return;
    this.picking.end();
    this.around.pause();
    // As a sheet the details would cover the context.
    if (matchMedia(SHEET).matches) this.details.close();
    this.context.open(event);
  }

  /** Go to the next line of a kind. @param {1 | -1} direction @param {Kind} [kind] */
  step(direction, kind = LINE) {
    this.stopLooking();
    this.around.status.problem("");
    if (this.cursor.step(direction, this.rowsOf(kind))) this.arrive();
    else if (kind === LINE || !this.isMore(direction, kind)) this.notFound(direction, kind);
    else this.lookBeyond(direction, kind);
  }

  /** @param {Kind} kind @returns {string} a selector; if the search cannot be marked, each line is a match */
  rowsOf(kind) { return kind === MATCH && this.looked.marks?.isEmpty ? LINE.rows : kind.rows; }

  /** Whether there may be more such lines beyond those loaded. @param {1 | -1} direction @param {Kind} kind */
  isMore(direction, kind) {
    const { looked } = this;
    const isEnd = direction < 0 && looked.atOldest && !this.cursor.gap;
    return (kind !== MATCH || looked.marks !== null) && looked.count > 0 && !isEnd;
  }

  /** @param {1 | -1} direction @param {Kind} kind */
  notFound(direction, { name }) {
    this.around.status.problem(`No ${name} further ${direction > 0 ? "down" : "up"}`);
  }

  /** Announce the chosen row to screen readers, and show it in the details if they are open. */
  arrive() {
    const { row } = this.cursor;
    this.said.textContent = row?.textContent?.slice(0, MOST_SAID) ?? "";
    if (this.details.event) this.openDetails(row);
  }

  /** @param {1 | -1} direction @param {Kind} kind */
  async lookBeyond(direction, kind) {
    const beyond = await this.loaded(import("./beyond.js"));
    if (!beyond) return;
    this.beyond ??= new beyond.Beyond(this);
    this.beyond.look(direction, kind);
  }

  /** @template Module @param {Promise<Module>} loading */
  loaded(loading) { return loaded(loading, (problem) => this.around.status.problem(problem), UNREACHABLE); }

  /** Cancel a lookup. @returns {boolean} whether one was running */
  stopLooking() { return this.beyond?.stop() ?? false; }

  permalink() {
    if (!this.details.event) this.openDetails(this.cursor.row);
    if (this.details.event) this.details.copyLink();
  }

  close() {
    if (this.stopLooking()) return;
    if (this.picking.anchor) this.picking.end();
    else if (this.details.event) this.details.close();
    else if (this.context.isOpen) this.context.leave();
  }

  /** @returns {Record<string, () => void>} key → what it does */
  get keys() {
    return {
      j: () => this.step(1), k: () => this.step(-1),
      J: () => this.picking.reach(1), K: () => this.picking.reach(-1),
      e: () => this.step(1, ERROR), E: () => this.step(-1, ERROR),
      w: () => this.step(1, WARNING), W: () => this.step(-1, WARNING),
      n: () => this.step(1, MATCH), N: () => this.step(-1, MATCH),
      Enter: () => this.openDetails(this.cursor.row, true),
      o: () => /** @type {HTMLElement | null} */ (this.cursor.row?.querySelector(".more") ?? null)?.click(),
      c: () => this.openContext(this.event),
      y: () => this.permalink(),
      Escape: () => this.close(),
    };
  }
}
