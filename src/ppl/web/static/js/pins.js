/**
 * Marks on rows: a pin with the note that somebody wrote. Notes are hostile too: they only ever become text nodes.
 *
 * A row that is made with its mark has the pin on a line of its own. In a list that is held still a new pin lies over
 * the end of its row instead, and one that changes keeps its room, so that nothing moves.
 */

import { button } from "./element.js";
import { visible } from "./text.js";

/**
 * @typedef {Object} Mark as the API writes it
 * @property {string} id
 * @property {string} event_id
 * @property {string} note
 * @property {string} marked_by
 * @property {string} created_at
 * @property {import("./rows.js").LogEvent | null} [event]
 */

/** @type {Map<string, Mark>} id of the event → its mark */
const MARKS = new Map();

/** @param {string} eventId @returns {Mark | undefined} */
export const markOf = (eventId) => MARKS.get(eventId);

/** Put the pin on a row that is marked. @param {HTMLElement} row @param {string} eventId */
export function pin(row, eventId) {
  if (MARKS.has(eventId)) put(row, MARKS.get(eventId), "pinned");
}

/** All marks there are; rows that are shown follow. @param {Mark[]} marks */
export function pinAll(marks) {
  const before = new Map(MARKS);
  MARKS.clear();
  for (const mark of marks) MARKS.set(mark.event_id, mark);
  for (const id of new Set([...before.keys(), ...MARKS.keys()])) {
    const [old, mark] = [before.get(id), MARKS.get(id)];
    if (old?.note === mark?.note && old?.marked_by === mark?.marked_by) continue;
    for (const row of document.querySelectorAll(`.row[data-id="${CSS.escape(id)}"]`)) {
      repin(/** @type {HTMLElement} */ (row), mark);
    }
  }
}

/** What was kept in its place while the lines were held still gets its own. @param {HTMLElement} pane */
export function settlePins(pane) {
  for (const row of pane.querySelectorAll(".row:is(.overlaid, :has(> .held))")) {
    put(/** @type {HTMLElement} */ (row), MARKS.get(/** @type {HTMLElement} */ (row).dataset.id ?? ""), "pinned");
  }
}

/** @param {HTMLElement} row @param {Mark | undefined} mark */
function repin(row, mark) {
  const old = /** @type {HTMLElement | null} */ (row.querySelector(".pin"));
  const isHeld = !row.closest("#log.live");
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
  // The key is the row's, so Tab passes it by.
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
