/**
 * The fields that the server found in an event's text, as a table in its details: one row for each value, with buttons
 * that filter, exclude, and open a menu. Tab leads to one button, arrow keys to the others. Loaded with the first event.
 */

import { getJson } from "./clock.js";
import { NAME } from "./columns.js";
import { copyFor } from "./copy.js";
import { button, element } from "./element.js";
import { appendText } from "./message.js";
import { cutAt, shortened, visible } from "./text.js";
import { openMenu } from "./value.js";

/** @typedef {{name: string, value: string, query: string | null}} Field `query`: the term that finds the value */
/** @typedef {import("./rows.js").LogEvent} LogEvent */

const LONGEST = 300;
const LONGEST_TITLE = 100;
/** Events whose fields are kept, for readers who step from line to line. */
const KEPT = 100;

export class Found {
  /**
   * @param {HTMLDetailsElement} room
   * @param {{userId: () => string, narrow: (term: string) => void, columns: import("./columns.js").Columns}} around
   * @param {() => void} leaveSheet makes room for another panel on narrow screens
   */
  constructor(room, around, leaveSheet) {
    this.room = room;
    this.leaveSheet = leaveSheet;
    this.around = around;
    this.table = /** @type {HTMLElement} */ (room.querySelector("tbody"));
    this.count = /** @type {HTMLElement} */ (room.querySelector(".count"));
    this.asked = new AbortController();
    /** @type {Map<string, Field[]>} by destination and event */
    this.known = new Map();
    /** @type {WeakMap<Element, Field>} row → its field */
    this.fields = new WeakMap();
    room.addEventListener("keydown", (event) => this.pressed(event));
    this.table.addEventListener("click", (event) => this.clicked(event));
  }

  /** Show the fields of an event; the former event's stay until they are there. @param {LogEvent} event */
  async show(event) {
    this.asked.abort();
    const asked = new AbortController();
    this.asked = asked;
    const userId = this.around.userId();
    const key = `${userId} ${event.id}`;
    let fields = this.known.get(key);
    if (!fields) {
      this.room.inert = true;
      const address = `/api/events/${event.id}/fields?user_id=${encodeURIComponent(userId)}`;
      const answer = await getJson(address, asked.signal);
      if (asked.signal.aborted) return;
      if (!answer) {
        this.fill([]);
        // An event whose fields are unknown must not look like one without any.
        this.room.hidden = false;
        this.count.textContent = "not loaded: the server did not answer";
        return;
      }
      fields = /** @type {Field[]} */ (answer.fields);
      this.remember(key, fields);
    }
    this.fill(fields);
  }

  /** @param {string} key @param {Field[]} fields */
  remember(key, fields) {
    if (this.known.size >= KEPT) this.known.clear();
    this.known.set(key, fields);
  }

  /** @param {Field[]} fields */
  fill(fields) {
    this.room.inert = false;
    this.room.hidden = !fields.length;
    this.count.textContent = String(fields.length);
    this.table.replaceChildren(...fields.map((field) => this.row(field)));
    const [first] = this.buttons();
    if (first) first.tabIndex = 0;
  }

  /** @param {Field} field */
  row(field) {
    const row = element("tr", "");
    this.fields.set(row, field);
    const name = element("th", "", visible(field.name));
    name.setAttribute("scope", "row");
    const value = element("td", "value");
    write(value, field.value);
    const acts = element("td", "acts");
    if (field.query) {
      acts.append(makeAct("only", "only", field.query), " ", makeAct("exclude", "not", `-${field.query}`), " ");
    }
    const more = makeAct("more-acts", "⋯", "");
    more.setAttribute("aria-label", `More for ${field.name}`);
    more.setAttribute("aria-haspopup", "true");
    acts.append(more);
    row.append(name, value, acts);
    return row;
  }

  buttons() { return /** @type {HTMLElement[]} */ ([...this.table.querySelectorAll("button")]); }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target).closest("button");
    const field = this.fields.get(target?.closest("tr") ?? this.table);
    if (!target || !field) return;
    this.stop(target);
    if (target.matches(".only, .exclude")) this.around.narrow((target.matches(".only") ? "" : "-") + field.query);
    else if (target.matches(".more-acts")) openMenu(target, shortened(`${field.name}: ${field.value}`, LONGEST_TITLE), this.choices(field));
  }

  /** @param {Field} field @returns {import("./value.js").Choice[]} */
  choices({ name, value }) {
    const { columns } = this.around;
    /** @type {import("./value.js").Choice[]} */
    const choices = [["Copy value", (chosen) => copyFor(chosen, value), true]];
    if (NAME.test(name)) {
      choices.push(["Top values", () => {
        this.leaveSheet();
        columns.top(name);
      }]);
      choices.push([columns.wanted.includes(name) ? "Remove the column" : "Show as a column", () => columns.toggle(name)]);
    }
    return choices;
  }

  /** Make a button the one that Tab leads to. @param {HTMLElement} chosen */
  stop(chosen) {
    for (const each of this.buttons()) each.tabIndex = each === chosen ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const at = /** @type {HTMLElement} */ (event.target).closest("button");
    const row = at?.closest("tr");
    if (!at || !row || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = this.beside(at, row, event.key);
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    this.stop(next);
    next.focus();
  }

  /** @param {HTMLElement} at @param {HTMLElement} row @param {string} key @returns {HTMLElement | undefined} */
  beside(at, row, key) {
    const own = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("button")]);
    if (key === "ArrowRight" || key === "ArrowLeft") return own[own.indexOf(at) + (key === "ArrowRight" ? 1 : -1)];
    const other = key === "ArrowDown" ? row.nextElementSibling : key === "ArrowUp" ? row.previousElementSibling : null;
    const theirs = /** @type {HTMLElement[]} */ ([...other?.querySelectorAll("button") ?? []]);
    return theirs.find((each) => each.className === at.className) ?? theirs[0];
  }
}

/** @param {string} name its class @param {string} words @param {string} term what it searches for */
function makeAct(name, words, term) {
  const made = button(`link ${name}`, words);
  made.tabIndex = -1;
  if (!term) return made;
  made.title = term;
  made.append(element("span", "unseen", ` ${term}`));
  return made;
}

/** Write a value; a long one gets a button for its rest. @param {HTMLElement} place @param {string} text */
function write(place, text) {
  const cut = text.length > LONGEST ? cutAt(text, LONGEST) : text.length;
  appendText(place, text.slice(0, cut));
  if (cut === text.length) return;
  const more = button("more", "▸ more");
  more.tabIndex = -1;
  more.addEventListener("click", () => {
    more.remove();
    appendText(place, text.slice(cut));
  });
  place.append(more);
}
