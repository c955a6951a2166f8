/**
 * Marks on rows: a pin with the mark's note. Notes are hostile too: they only ever become text nodes.
 *
 * A row created with a mark has the pin on a line of its own. In a paused list a new pin overlays the end of its row
 * instead, and a changed pin keeps its height, so that nothing moves. Loaded once there is a mark.
 */

import { button } from "./element.js";
import { PINS } from "./pins.js";
import { visible } from "./text.js";

/** @typedef {import("./pins.js").Mark} Mark */

const SETTLING = new WeakSet();

/**
 * Show all marks on the rows in the page.
 * @param {import("./pinned.js").Pinned} pinned @param {Mark[]} marks
 * @param {boolean} isBeginning whether the page has just begun: then rows may move
 */
export function show({ menu, reading }, marks, isBeginning) {
  const { list } = reading;
  settleWhenLive(list);
  reading.keepingPlace(() => {
    menu.hidden = isBeginning || !marks.length;
    /** @type {HTMLElement} */ (menu.querySelector(".count")).textContent = String(marks.length);
    pinAll(marks, isBeginning);
  });
  if (list.isLive) list.followBottom();
}

/** @param {Mark[]} marks @param {boolean} mayMove */
function pinAll(marks, mayMove) {
  const before = new Map(PINS);
  PINS.clear();
  for (const mark of marks) PINS.set(mark.event_id, { mark, put: (row) => put(row, mark, "pinned") });
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".row"))) {
    const { id = "" } = row.dataset;
    const [old, mark] = [before.get(id)?.mark, PINS.get(id)?.mark];
    if (old?.note !== mark?.note || old?.marked_by !== mark?.marked_by) repin(row, mark, mayMove);
  }
}

/** On resume, give pins changed during the pause their normal place. @param {import("./list.js").LogList} list */
function settleWhenLive(list) {
  if (SETTLING.has(list)) return;
  SETTLING.add(list);
  new MutationObserver(() => {
    if (!list.isLive) return;
    for (const each of list.pane.querySelectorAll(".row:is(.overlaid, :has(> .held))")) {
      const row = /** @type {HTMLElement} */ (each);
      put(row, PINS.get(row.dataset.id ?? "")?.mark, "pinned");
    }
  }).observe(list.pane, { attributeFilter: ["class"] });
}

/** @param {HTMLElement} row @param {Mark | undefined} mark @param {boolean} mayMove */
function repin(row, mark, mayMove) {
  const old = /** @type {HTMLElement | null} */ (row.querySelector(".pin"));
  const isHeld = !mayMove && !row.closest("#log.live");
  if (old && isHeld && row.classList.contains("pinned")) {
    old.style.height = `${old.offsetHeight}px`;
    old.classList.add("held");
    write(old, mark);
  } else {
    put(row, mark, isHeld ? "overlaid" : "pinned");
  }
}

/** @param {HTMLElement} row @param {Mark | undefined} mark @param {"pinned" | "overlaid"} way */
function put(row, mark, way) {
  row.querySelector(".pin")?.remove();
  row.classList.remove("pinned", "overlaid");
  if (!mark) return;
  const made = button("pin", "");
  // Tab skips it: its key works on the chosen row.
  made.tabIndex = -1;
  write(made, mark);
  row.append(made);
  row.classList.add(way);
}

/** @param {HTMLElement} place @param {Mark | undefined} mark */
function write(place, mark) {
  place.textContent = mark ? visible(mark.note) || "Marked" : "Mark removed";
  place.title = mark?.marked_by ? `${place.textContent}\nby ${mark.marked_by}` : "";
}
