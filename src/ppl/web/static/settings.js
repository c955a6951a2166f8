/** The settings page's script: the time in the zone being typed, and buttons that copy snippets and new secrets. */

import { begunAt, now as serverTime } from "./js/clock.js";
import { copyButton } from "./js/copy.js";
import { Zone } from "./js/time.js";

const field = /** @type {HTMLInputElement} */ (document.getElementById("timeZone"));
const now = /** @type {HTMLElement} */ (document.getElementById("now"));

begunAt(Number(now.dataset.now));

function tell() {
  const name = field.value.trim() || "UTC";
  const zone = new Zone(name);
  if (!zone.isKnown) {
    now.textContent = "This browser does not know that time zone.";
    return;
  }
  const moment = serverTime();
  const text = document.createElement("time");
  text.textContent = new Date(moment + zone.offset(moment)).toISOString().slice(0, 19).replace("T", " ");
  now.replaceChildren(`In ${name} it is now `, text, ".");
}

field.addEventListener("input", tell);
setInterval(tell, 1000);
tell();

for (const figure of document.querySelectorAll("figure")) {
  const name = figure.querySelector("figcaption")?.textContent ?? "";
  figure.append(copyButton(/** @type {HTMLElement} */ (figure.querySelector("code")), name));
}

for (const secret of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".secret"))) {
  secret.append(" ", copyButton(/** @type {HTMLElement} */ (secret.querySelector("code")), secret.dataset.name ?? ""));
}

// The current section: the last to begin in the window's upper third or above; at the page's end, the link's target.
const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".contents a")]);
const tops = () => links.map(({ hash }) => document.getElementById(hash.slice(1))?.getBoundingClientRect().top ?? 0);

function follow() {
  const begun = tops();
  const isEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const asked = links.findIndex((link) => link.hash === location.hash);
  const isAsked = isEnd && asked >= 0 && begun[asked] >= 0;
  const read = isAsked ? asked : isEnd ? links.length - 1 : begun.filter((top) => top < innerHeight / 3).length - 1;
  links.forEach((link, index) => {
    if (index === Math.max(0, read)) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  });
}

for (const event of ["scroll", "hashchange"]) addEventListener(event, follow, { passive: true });
follow();
