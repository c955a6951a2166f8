/** Choosing columns: the menu's content, and lines already shown that get the values of a new column. */

import { writeAddress } from "./address.js";
import { ask } from "./api.js";
import { putCells } from "./cells.js";
import { getJson } from "./clock.js";
import { MOST_COLUMNS } from "./columns.js";
import { button, element } from "./element.js";
import { eventOf } from "./rows.js";

/** @typedef {import("./columns.js").Columns} Columns */
/** @typedef {import("./list.js").LogList} LogList */

/** As on the server. */
const MOST_VALUED = 200;
/** How long to wait after values could not be fetched. */
const AGAIN_MS = 3000;

/** The last change on the page: an earlier one gives up. */
let latest = 0;

/** @type {Promise<unknown>} Changes are sent one after the other, so that the last one holds in the end. */
let sending = Promise.resolve();

/** Whether the server keeps a change that the page does not show yet. */
let isKept = false;

/** @param {Columns} columns @param {import("./columns.js").Change} change */
export async function change(columns, change) {
  const { menu, around } = columns;
  const { userId } = change;
  const names = change.names.join(",");
  const problem = /** @type {HTMLElement} */ (menu.querySelector(".problem"));
  const sent = sending.then(() => ask(problem, around.csrfToken, "POST", "/api/columns", { user_id: userId, columns: names }));
  sending = sent;
  if (await sent) {
    around.destinations.keepColumns(userId, names);
    isKept = true;
  } else if (!menu.open) {
    around.say(problem.textContent ?? "");
  }
  // A later change follows.
  if (columns.pending !== change || !isKept) return;
  isKept = false;
  if (userId !== around.destinations.userId) return;
  writeAddress("columns", "");
  apply(columns);
}

/** Show the columns that hold now, on all lines. @param {Columns} columns */
function apply(columns) {
  const before = new Set(columns.names);
  columns.begin();
  latest += 1;
  draw(columns);
  list(columns);
  const added = columns.names.filter((name) => !before.has(name));
  if (!added.length) return;
  columns.around.reconnect();
  for (const each of columns.around.lists()) fill(columns, each, latest);
}

/** Put the cells of all lines anew. @param {Columns} columns */
export function draw(columns) {
  columns.around.keepingPlace(() => {
    for (const { pane } of columns.around.lists()) {
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (pane.querySelectorAll(".row"))) put(row, columns);
    }
  });
}

/** @param {HTMLElement} row @param {Columns} columns */
function put(row, columns) {
  const event = eventOf(row);
  if (event) putCells(row, event, columns.names);
}

/**
 * Ask for the values of the lines of a list, of those near the reader first.
 * @param {Columns} columns @param {LogList} shown @param {number} change
 */
async function fill(columns, shown, change) {
  const rows = /** @type {HTMLElement[]} */ ([...shown.pane.querySelectorAll(".row")]);
  const at = Math.max(0, rows.indexOf(shown.firstInSight ?? rows[0]));
  /** @type {Map<string, HTMLElement>} */
  const waiting = new Map();
  for (const row of [...rows.slice(at), ...rows.slice(0, at).reverse()]) waiting.set(row.dataset.id ?? "", row);
  const user = encodeURIComponent(columns.around.destinations.userId);
  while (waiting.size) {
    const ids = [...waiting.keys()].slice(0, MOST_VALUED);
    const answer = await getJson(`/api/columns/values?user_id=${user}&ids=${ids.join(",")}${columns.asked}`);
    if (change !== latest) return;
    if (!answer) {
      // An empty cell would say that the line has no such field.
      await new Promise((done) => { setTimeout(done, AGAIN_MS); });
      if (change !== latest) return;
      continue;
    }
    const left = new Set(answer.left);
    columns.around.keepingPlace(() => {
      for (const id of ids) {
        const row = waiting.get(id);
        const event = row && eventOf(row);
        if (!event || left.has(id)) continue;
        waiting.delete(id);
        event.columns = answer.values[id];
        put(row, columns);
      }
    });
  }
}

/** Open the menu. @param {Columns} columns */
export function open(columns) {
  /** @type {HTMLElement} */ (columns.menu.querySelector(".problem")).textContent = "";
  /** @type {HTMLElement} */ (columns.menu.querySelector(".own")).onclick = () => {
    writeAddress("columns", "");
    apply(columns);
  };
  list(columns);
}

/** Add the field whose name is typed in the menu. @param {Columns} columns */
export function add(columns) {
  const field = /** @type {HTMLInputElement} */ (columns.menu.querySelector("input"));
  const name = field.value.trim();
  if (name && !columns.wanted.includes(name)) columns.change([...columns.wanted, name]);
  field.value = "";
}

/** Fill the menu. @param {Columns} columns */
function list(columns) {
  const { menu, names } = columns;
  const items = /** @type {HTMLElement} */ (menu.querySelector("ul"));
  const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("#columns li button"));
  const [name, act] = [focused?.closest("li")?.dataset.column, focused?.className];
  items.replaceChildren(...names.map((each, at) => itemOf(columns, each, at)));
  /** @type {HTMLElement} */ (menu.querySelector(".linked")).hidden = !columns.areLinked;
  /** @type {HTMLElement} */ (menu.querySelector("form")).hidden = names.length >= MOST_COLUMNS;
  if (!focused) return;
  // The focus stays on the column that was moved; if it was removed, in the menu.
  const item = /** @type {HTMLElement[]} */ ([...items.children]).find((each) => each.dataset.column === name);
  const again = /** @type {HTMLButtonElement | null | undefined} */ (
    item?.querySelector(`.${act?.split(" ")[0]}:not(:disabled)`) ?? item?.querySelector("button:not(:disabled)") ?? items.querySelector("button:not(:disabled)"));
  (again ?? menu.querySelector("summary"))?.focus();
}

/** @param {Columns} columns @param {string} name @param {number} at its place */
function itemOf(columns, name, at) {
  const { names } = columns;
  const item = element("li", "");
  item.dataset.column = name;
  /** @param {string} kind @param {string} words @param {string} label @param {() => void} act */
  const offer = (kind, words, label, act) => {
    const made = button(kind, words);
    made.setAttribute("aria-label", label);
    made.title = label;
    made.addEventListener("click", act);
    item.append(made);
    return /** @type {HTMLButtonElement} */ (made);
  };
  /** @param {1 | -1} step */
  const move = (step) => {
    const { wanted } = columns;
    const order = wanted.filter((each) => each !== name);
    if (order.length === wanted.length) return;
    order.splice(Math.max(0, wanted.indexOf(name) + step), 0, name);
    columns.change(order);
  };
  item.append(element("span", "name", name));
  offer("top", "Top", `Top values of ${name}`, () => columns.top(name));
  offer("earlier", "↑", `Move ${name} forward`, () => move(-1)).disabled = at === 0;
  offer("later", "↓", `Move ${name} back`, () => move(1)).disabled = at === names.length - 1;
  offer("remove", "×", `Remove the column ${name}`, () => columns.remove(name));
  return item;
}
