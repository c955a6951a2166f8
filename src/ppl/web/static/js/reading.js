/** The reader's hand on single lines: the row that is chosen, its details, what is around it, and the keys for them. */

import { loaded } from "./api.js";
import { Context } from "./context.js";
import { Cursor } from "./cursor.js";
import { Details } from "./details.js";
import { Picking } from "./picking.js";
import { eventOf } from "./rows.js";
import { copySelected } from "./selected.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./list.js").LogList} LogList */

/** Where the details are a sheet over the lines; as in details.css. */
const SHEET = "(max-width: 900px)";
const UNREACHABLE = "The server cannot be reached: try again.";

/** Characters of a line that are read aloud when a key chooses it. */
const MOST_SAID = 300;

/** @typedef {{name: string, rows: string, term: string}} Kind selector of the loaded rows; what else a search says of it */

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
   *   `said`: what screen readers are told; `covered` by the context
   * @param {{list: LogList, zone: import("./time.js").Zone, status: import("./status.js").Status,
   *   search: import("./search.js").Search, userId: () => string, pause: () => void, left: () => void,
   *   narrow: (part: Element, isExcluded: boolean) => void, seek: (id: number) => void,
   *   busy: (why: string) => void}} around
   *   `pause`: hold the lines still; `left`: the context was left; `seek`: show what came from there on; `busy`: say what
   *   is going on while they are held
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
      keepingPlace: (change) => this.keepingPlace(change),
      closed: () => this.looked.pane.focus({ preventScroll: true }),
      context: (event) => this.openContext(event),
      narrow: (term) => around.search.add(term),
    });
    this.picking = new Picking(this);
    for (const each of [this.list.pane, this.context.list.pane]) this.listen(each);
  }

  /** @returns {LogList} the list that is looked at */
  get looked() { return this.context.isOpen ? this.context.list : this.list; }

  /** @returns {LogEvent | undefined} of the panel, or of the row that was chosen */
  get event() { return this.details.event ?? eventOf(this.cursor.row); }

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
    let isFinger = false;
    // A click that ends a selection only ends it.
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

  /** A finger hits a host or program by accident, and cannot leave it out. @param {Element} part @param {HTMLElement | null} row */
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
    // The pill may cover it. Of what does not fit the reader sees what they want.
    if (row && this.looked.fits(row)) this.looked.reveal(row);
  }

  /** What is looked for is another: no line of before is meant any more. */
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
    // There it lies over the lines.
    if (matchMedia(SHEET).matches) this.details.close();
    this.context.open(event);
  }

  /** To the next line of a kind. @param {1 | -1} direction @param {Kind} [kind] */
  step(direction, kind = LINE) {
    this.stopLooking();
    this.around.status.problem("");
    if (this.cursor.step(direction, this.rowsOf(kind))) this.arrive();
    else if (kind === LINE || !this.isMore(direction, kind)) this.notFound(direction, kind);
    else this.lookBeyond(direction, kind);
  }

  /** @param {Kind} kind @returns {string} a selector; of a search that cannot be marked each line is a match */
  rowsOf(kind) { return kind === MATCH && this.looked.marks?.isEmpty ? LINE.rows : kind.rows; }

  /** Whether there may be such lines beyond those loaded. @param {1 | -1} direction @param {Kind} kind */
  isMore(direction, kind) {
    const { looked } = this;
    const isEnd = direction < 0 && looked.atOldest && !this.cursor.gap;
    return (kind !== MATCH || looked.marks !== null) && looked.count > 0 && !isEnd;
  }

  /** @param {1 | -1} direction @param {Kind} kind */
  notFound(direction, { name }) {
    this.around.status.problem(`No ${name} further ${direction > 0 ? "down" : "up"}`);
  }

  /** The row that is chosen now is read aloud, and shown in the details if they are open. */
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

  /** @returns {boolean} whether anything was looked for */
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
