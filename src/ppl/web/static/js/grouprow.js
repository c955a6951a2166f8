/** A group of similar lines as a row: its counts, plot, text and buttons. */

import { button, element } from "./element.js";
import { pathOf, shareWords, timesWords, UNKNOWN } from "./groups.js";

/** @typedef {import("./groups.js").Group} Group */

const SVG = "http://www.w3.org/2000/svg";

const BAD = new Set(["emerg", "alert", "crit", "err"]);

/** @param {Group} group @returns {HTMLElement} a row without its changing parts, which `fillRow` writes */
export function makeRow(group) {
  const row = element("li", "group");
  row.dataset.key = group.key;
  const text = button("text", "");
  group.text.split("…").forEach((part, index) => {
    if (index) text.append(element("span", "varying", "…"));
    text.append(part);
  });
  if (!group.text) text.append(element("span", "varying", "(an empty message)"));
  text.title = "Show only these lines (Alt-click: exclude them)";
  const hide = button("hide", "Hide");
  hide.setAttribute("aria-label", `Hide lines like ${group.text.slice(0, 80)}`);
  hide.title = "Exclude these lines";
  if (group.query === null) {
    text.title = hide.title = "These lines have no text in common to search for";
    for (const each of [text, hide]) each.setAttribute("aria-disabled", "true");
  }
  const plot = document.createElementNS(SVG, "svg");
  plot.setAttribute("viewBox", `0 0 ${group.plot.length} 16`);
  plot.setAttribute("preserveAspectRatio", "none");
  plot.setAttribute("aria-hidden", "true");
  plot.append(document.createElementNS(SVG, "path"));
  const [count, share, when, marks] = ["count", "share", "when", "marks"].map((name) => element("span", name));
  row.append(count, share, plot, when, marks, text, hide);
  return row;
}

/**
 * Fill in what changes. @param {HTMLElement} row @param {Group} group @param {import("./groups.js").Groups} groups all
 * @param {import("./time.js").Zone} zone
 */
export function fillRow(row, group, groups, zone) {
  /** @param {string} name @returns {any} */
  const part = (name) => row.querySelector(`.${name}`);
  part("count").textContent = group.count.toLocaleString("en");
  part("share").textContent = shareWords(group.count / Math.max(1, groups.read));
  row.querySelector("path")?.setAttribute("d", pathOf(group.plot));
  const [first, last] = [group.first, group.last].map((each) => zone.moment(Date.parse(each)));
  part("when").replaceChildren(element("span", "first", first === last ? "" : `${first} – `), last);
  const { severity = "" } = group;
  row.classList.toggle("err", BAD.has(severity));
  row.classList.toggle("warning", severity === "warning");
  const marks = BAD.has(severity) || severity === "warning" ? [element("span", "tag", severity.toUpperCase())] : [];
  const times = timesWords(groups.times(group));
  if (groups.isNew(group)) marks.push(element("span", "new", "new"));
  else if (group.before === UNKNOWN) marks.push(element("span", "new", "just now"));
  else if (times) {
    const changed = element("span", "times", times);
    changed.title = `${times} as often as before`;
    marks.push(changed);
  }
  part("marks").replaceChildren(...marks);
}
