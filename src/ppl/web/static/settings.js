/** The settings page with scripts: what time it is in the zone that is being typed, and snippets that copy themselves. */

import { Zone } from "./js/time.js";

const field = /** @type {HTMLInputElement} */ (document.getElementById("timeZone"));
const now = /** @type {HTMLElement} */ (document.getElementById("now"));

function tell() {
  const name = field.value.trim() || "UTC";
  const zone = new Zone(name);
  if (!zone.isKnown) {
    now.textContent = "That is no time zone that this browser knows.";
    return;
  }
  const moment = Date.now();
  const text = document.createElement("time");
  text.textContent = new Date(moment + zone.offset(moment)).toISOString().slice(0, 19).replace("T", " ");
  now.replaceChildren(`In ${name} it is now `, text, ".");
}

field.addEventListener("input", tell);
setInterval(tell, 1000);
tell();

for (const figure of document.querySelectorAll("figure")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${figure.querySelector("figcaption")?.textContent}`);
  button.addEventListener("click", () => copy(button, /** @type {HTMLElement} */ (figure.querySelector("code"))));
  figure.append(button);
}

/** @param {HTMLElement} button @param {HTMLElement} code */
async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    // Without TLS browsers keep the clipboard closed: select it, so that one key copies it.
    getSelection()?.selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
