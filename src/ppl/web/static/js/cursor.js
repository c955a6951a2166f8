/** The row chosen by keys, in the list on top. */

export class Cursor {
  /** @param {() => import("./list.js").LogList} list the list on top @param {() => void} pause */
  constructor(list, pause) {
    this.list = list;
    this.pause = pause;
    /** @type {Element | undefined} the gap row that stopped the last step */
    this.gap = undefined;
  }

  /** @returns {HTMLElement | null} */
  get row() { return this.list().pane.querySelector(".row.chosen"); }

  /** @param {HTMLElement | null} row */
  choose(row) {
    const { pane } = this.list();
    const before = this.row;
    before?.classList.remove("chosen");
    before?.removeAttribute("id");
    if (!row) return;
    row.classList.add("chosen");
    row.id = `${pane.id}-${row.dataset.id}`;
    pane.setAttribute("aria-activedescendant", row.id);
  }

  /**
   * Go to the next row of a kind, below or above; not past a gap row, which may stand for such a row.
   * @param {1 | -1} direction @param {string} kind a selector @returns {boolean} whether there was one
   */
  step(direction, kind = ".row") {
    this.pause();
    const list = this.list();
    // Without the focus on the list, screen readers do not follow the chosen row.
    if (document.activeElement === document.body) list.pane.focus({ preventScroll: true });
    const { row } = this;
    const from = row ?? (list.atBottom ? null : list.firstInSight);
    const found = neighbour(/** @type {HTMLElement[]} */ ([...list.pane.querySelectorAll(kind)]), from, direction, !row);
    this.gap = kind === ".row" ? undefined : gapBetween(list.pane, from, found, direction);
    if (!found || this.gap) return false;
    this.choose(found);
    list.reveal(found);
    return true;
  }
}

/**
 * @param {HTMLElement[]} rows in order @param {HTMLElement | null} from `null` for the end
 * @param {1 | -1} direction @param {boolean} isFromIncluded
 */
function neighbour(rows, from, direction, isFromIncluded) {
  if (!from) return rows.at(-1);
  if (isFromIncluded && rows.includes(from)) return from;
  const beyond = rows.filter((row) => isBeyond(row, from, direction));
  return direction > 0 ? beyond[0] : beyond.at(-1);
}

/** @param {HTMLElement} pane @param {Element | null} from @param {Element | undefined} to @param {1 | -1} direction */
function gapBetween(pane, from, to, direction) {
  const gaps = [...pane.querySelectorAll(".gap")].filter(
    (gap) => (!from || isBeyond(gap, from, direction)) && (!to || isBeyond(to, gap, direction)));
  return direction > 0 ? gaps[0] : gaps.at(-1);
}

/** @param {Element} part @param {Element} from @param {1 | -1} direction */
function isBeyond(part, from, direction) {
  const wanted = direction > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  return (from.compareDocumentPosition(part) & wanted) > 0;
}
