/** Copying: events as text, and access to the clipboard with and without TLS. */

import { shownOf } from "./shown.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const SAID_MS = 2000;

/**
 * @param {LogEvent} event @param {import("./time.js").Zone} zone
 * @returns {string} a line with time, host, program and severity, and the message with its newlines
 */
export function lineOf(event, zone) {
  const { time, hostname, sender_ip: ip, file_name: program, procid = "", severity } = event;
  const words = [program + (procid && `[${procid}]`), severity].filter(Boolean).join(" ");
  return `${zone.stamp(time)} ${hostname || ip} ${words}${words && ": "}${shownOf(event)}`;
}

/** @param {LogEvent} event @param {string} origin of the site @param {string} userId @returns {string} a command */
export function curlOf(event, origin, userId) {
  const address = `${origin}/api/events/${event.id}?user_id=${encodeURIComponent(userId)}`;
  return `curl -H "Authorization: Bearer $PPL_TOKEN" '${address.replaceAll("'", "%27")}'`;
}

/** @param {LogEvent} event @param {string} userId @returns {string} path and query of its permalink */
export const pathOf = (event, userId) => `/events/${event.id}?user_id=${encodeURIComponent(userId)}`;

/** @param {string} text @returns {Promise<boolean>} whether it was copied */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/** Without TLS browsers hide the clipboard API; the older `execCommand` still works. @param {string} text */
function copyByHand(text) {
  const field = document.createElement("textarea");
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  return isCopied;
}

/** A button that copies an element's text. @param {HTMLElement} code @param {string} name of the text */
export function copyButton(code, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  const label = document.createElement("span");
  label.className = "label";
  label.textContent = "Copy";
  const what = document.createElement("span");
  what.className = "unseen";
  what.textContent = ` ${name}`;
  button.append(label, what);
  button.addEventListener("click", async () => {
    if (await copy(code.textContent ?? "")) {
      say(button, "Copied");
    } else {
      // Select it, so that one key copies it.
      getSelection()?.selectAllChildren(code);
      say(button, "Press Ctrl+C");
    }
  });
  return button;
}

/** Copy, and show the result on the button. @param {HTMLElement} button @param {string} text */
export async function copyFor(button, text) {
  say(button, (await copy(text)) ? "Copied" : "Not copied");
}

let unsay = () => {};

/** Show a result on a button, briefly or until the next result. @param {HTMLElement} button @param {string} text */
export function say(button, text) {
  unsay();
  const label = button.querySelector(".label") ?? button;
  const before = label.textContent;
  // Keep the width, so that nothing beside it moves.
  button.style.minWidth = `${button.getBoundingClientRect().width}px`;
  label.textContent = text;
  const timer = setTimeout(() => unsay(), SAID_MS);
  unsay = () => {
    clearTimeout(timer);
    label.textContent = before;
    button.style.minWidth = "";
    unsay = () => {};
  };
}
