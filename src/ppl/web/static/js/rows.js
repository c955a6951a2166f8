/** One event as one row of real DOM. Log text is hostile: it only ever becomes text nodes. */

import { cutAt, pieces, visible } from "./text.js";

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
 */

/** @type {Record<string, [string, string]>} severity → the row's class and its tag */
const MARKS = {
  emerg: ["err worst", "EMERG"], alert: ["err worst", "ALERT"], crit: ["err worst", "CRIT"], err: ["err", "ERR"],
  warning: ["warning", "WARN"], debug: ["debug", "DEBUG"],
};
const SHOWN = 4000;

/** @param {string} tag @param {string} name @param {string} [text] */
export function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** @param {string} name @param {string} text */
export function button(name, text) {
  const made = element("button", name, text);
  made.setAttribute("type", "button");
  return made;
}

/** @param {LogEvent} event @param {import("./time.js").Zone} zone @returns {HTMLElement} */
export function makeRow(event, zone) {
  const row = element("div", "row");
  const { day, clock, millis } = zone.write(Date.parse(event.time));
  row.dataset.id = event.id;
  row.dataset.day = day;
  const time = element("span", "time", clock);
  time.append(element("span", "millis", millis));
  time.title = `${event.created_at} (${zone.name}) · ${event.time}`;
  const host = element("span", "host", visible(event.hostname || event.sender_ip));
  host.dataset.sender = event.sender_ip;
  host.title = `Sent from ${event.sender_ip}; click for only these lines`;
  row.append(time, " ", host, " ");
  if (event.file_name) {
    const pid = event.procid ? `[${event.procid}]` : "";
    row.append(element("span", "program", visible(event.file_name + pid)), " ");
  }
  markSeverity(row, event);
  row.append(makeMessage(event.message));
  return row;
}

/** @param {HTMLElement} row @param {LogEvent} event */
function markSeverity(row, { severity, facility }) {
  const mark = severity && Object.hasOwn(MARKS, severity) ? MARKS[severity] : null;
  if (mark) {
    row.className += ` ${mark[0]}`;
    row.append(element("span", "tag", mark[1]), " ");
  } else if (severity === "notice" && facility !== "user") {
    // user.notice is what senders write that have no opinion (RFC 3164, 4.3.3): that is no mark.
    row.className += " notice";
    row.append(element("span", "unseen", "NOTICE "));
  }
}

/** @param {string} text */
function makeMessage(text) {
  const message = element("span", "message");
  const cut = text.length > SHOWN ? cutAt(text, SHOWN) : text.length;
  appendText(message, text.slice(0, cut));
  if (cut < text.length) {
    const more = button("more", `▸ ${(text.length - cut).toLocaleString("en")} more characters`);
    more.addEventListener("click", () => {
      more.remove();
      appendText(message, text.slice(cut));
    }, { once: true });
    message.append(more);
  }
  return message;
}

/** @param {HTMLElement} parent @param {string} text */
function appendText(parent, text) {
  for (const { shown, odd } of pieces(text)) {
    if (odd) {
      const odder = element("span", "odd", shown);
      odder.title = odd;
      parent.append(odder);
    } else {
      parent.append(shown);
    }
  }
}
