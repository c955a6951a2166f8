/** One event as one DOM row. Log text is hostile: it only ever becomes text nodes. */

import { withoutColours } from "./ansi.js";
import { putCells } from "./cells.js";
import { element } from "./element.js";
import { hueOf } from "./hues.js";
import { appendText, makeMessage } from "./message.js";
import { PINS } from "./pins.js";
import { standIn } from "./shown.js";
import { cutAt, visible } from "./text.js";

/**
 * @typedef {Object} LogEvent an event as the protocol writes it
 * @property {string} id
 * @property {string} created_at
 * @property {string} sender_ip
 * @property {string} file_name
 * @property {string} message
 * @property {string} time
 * @property {string} [hostname]
 * @property {string} [severity]
 * @property {string} [facility]
 * @property {string} [procid]
 * @property {string} [msgid]
 * @property {string} [structured_data]
 * @property {string} [received_at]
 * @property {Record<string, string>} [columns] values of the columns that were asked for
 */

/** @type {Record<string, [string, string]>} severity → the row's class and its tag */
const MARKS = {
  emerg: ["err worst", "EMERG"], alert: ["err worst", "ALERT"], crit: ["err worst", "CRIT"], err: ["err", "ERR"],
  warning: ["warning", "WARN"], debug: ["debug", "DEBUG"],
};
/** @type {WeakMap<Element, LogEvent>} */
const EVENTS = new WeakMap();
/** Characters on each side of a match elsewhere, and at most from its beginning on. */
const AROUND = 24;
const LONGEST_HIT = 120;
const CLICK = "click to show only these lines, Alt- or Ctrl-click to exclude them";

/** @param {Element | null} row @returns {LogEvent | undefined} the row's event */
export const eventOf = (row) => (row ? EVENTS.get(row) : undefined);

/**
 * @param {LogEvent} event @param {import("./time.js").Zone} zone @param {import("./marks.js").Marks | null} [marks]
 * @param {string[]} [columns] @returns {HTMLElement}
 */
export function makeRow(event, zone, marks = null, columns = []) {
  const row = element("div", "row");
  row.setAttribute("role", "listitem");
  EVENTS.set(row, event);
  const { day, clock, millis } = zone.write(Date.parse(event.time));
  row.dataset.id = event.id;
  row.dataset.day = day;
  const time = element("span", "time", clock);
  time.append(element("span", "millis", millis));
  time.title = `${event.created_at} (${zone.name}) · ${event.time}`;
  const name = event.hostname || event.sender_ip;
  const host = marked(`host ${hueOf(name)}`, name, marks?.host);
  host.dataset.sender = event.sender_ip;
  if (event.hostname) host.dataset.host = event.hostname;
  host.title = `Sent from ${event.sender_ip}; ${CLICK}`;
  row.append(time, " ", host, " ");
  if (event.file_name) {
    const program = marked("program", event.file_name, marks?.program);
    if (event.procid) program.append("[", marked("procid", event.procid, marks?.procid), "]");
    program.dataset.program = event.file_name;
    program.title = CLICK;
    row.append(program, " ");
  }
  markSeverity(row, event);
  if (event.message) row.append(makeMessage(event.message, marks?.message ?? null), ...makeElsewhere(event, marks));
  else row.append(makeStandIn(event, marks));
  if (columns.length) putCells(row, event, columns);
  PINS.get(event.id)?.put(row);
  return row;
}

/** @param {LogEvent} event without a message @param {import("./marks.js").Marks | null} marks */
function makeStandIn(event, marks) {
  const made = makeMessage(standIn(event), marks?.data ?? null);
  made.className += " instead";
  made.title = "No message: MSGID and structured data";
  return made;
}

/**
 * The surroundings of a match in MSGID or structured data, which a row with a message does not show otherwise.
 * @param {LogEvent} event @param {import("./marks.js").Marks | null} marks @returns {(HTMLElement | string)[]}
 */
function makeElsewhere(event, marks) {
  const text = marks?.data ? withoutColours(standIn(event)) : "";
  const [hit] = text ? marks?.data?.find(text) ?? [] : [];
  if (!hit) return [];
  const start = cutAt(text, Math.max(0, hit[0] - AROUND));
  const end = cutAt(text, Math.min(text.length, hit[1] + AROUND, hit[0] + LONGEST_HIT));
  const made = element("span", "instead elsewhere");
  made.title = "Found in MSGID or structured data: open the line to see all of it";
  appendText(made, `${start ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`, marks?.data);
  return [" ", made];
}

/** @param {string} name @param {string} text @param {import("./marks.js").Finder | null} [finder] */
function marked(name, text, finder) {
  if (!finder) return element("span", name, visible(text));
  const part = element("span", name);
  appendText(part, visible(text), finder);
  return part;
}

/** @param {HTMLElement} row @param {LogEvent} event */
function markSeverity(row, { severity, facility }) {
  const mark = severity && Object.hasOwn(MARKS, severity) ? MARKS[severity] : null;
  if (mark) {
    row.className += ` ${mark[0]}`;
    row.append(element("span", "tag", mark[1]), " ");
  } else if (severity === "notice" && facility !== "user") {
    // user.notice is the default of senders that set no priority (RFC 3164, 4.3.3): it is not highlighted.
    row.className += " notice";
    row.append(element("span", "unseen", "NOTICE "));
  }
}
