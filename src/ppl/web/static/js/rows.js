/** One event as one row of real DOM. Log text is hostile: it only ever becomes text nodes. */

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
 * @property {string} [procid]
 */

const ERRORS = new Set(["emerg", "alert", "crit", "err"]);
const SHOWN = 4000;
// Control characters and those that turn or hide text: shown as what they are, never obeyed.
// eslint-disable-next-line no-control-regex
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** @param {string} tag @param {string} name @param {string} [text] */
export function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** @param {LogEvent} event @param {import("./time.js").Zone} zone @returns {HTMLElement} */
export function makeRow(event, zone) {
  const row = element("div", "row");
  row.dataset.id = event.id;
  const { clock, millis } = zone.write(Date.parse(event.time));
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
  const severity = event.severity;
  if (severity && ERRORS.has(severity)) {
    row.classList.add("err");
    row.append(element("span", "tag", severity.toUpperCase()), " ");
  } else if (severity === "warning") {
    row.classList.add("warning");
    row.append(element("span", "tag", "WARN"), " ");
  } else if (severity === "debug") {
    row.classList.add("debug");
  }
  row.append(makeMessage(event.message));
  return row;
}

/** @param {string} text */
function makeMessage(text) {
  const message = element("span", "message");
  appendText(message, text.slice(0, SHOWN));
  if (text.length > SHOWN) {
    const more = element("button", "more", `▸ ${(text.length - SHOWN).toLocaleString()} more characters`);
    more.setAttribute("type", "button");
    more.addEventListener("click", () => {
      more.remove();
      appendText(message, text.slice(SHOWN));
    }, { once: true });
    message.append(more);
  }
  return message;
}

/** @param {HTMLElement} parent @param {string} text */
function appendText(parent, text) {
  let start = 0;
  for (const found of text.matchAll(ODD)) {
    if (found.index > start) parent.append(text.slice(start, found.index));
    const odd = element("span", "odd", picture(found[0]));
    odd.title = codePoint(found[0]);
    parent.append(odd);
    start = found.index + found[0].length;
  }
  parent.append(text.slice(start));
}

/** @param {string} text */
const visible = (text) => text.replace(ODD, picture);

/** @param {string} character */
function picture(character) {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `⟦${codePoint(character)}⟧`;
}

/** @param {string} character */
const codePoint = (character) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
