/** The form that marks a line with a note, and the list of marked lines. Loaded when either is opened. */

import { ask } from "./api.js";
import { pathOf } from "./copy.js";
import { makeDialog } from "./dialog.js";
import { button, element } from "./element.js";
import { shownOf } from "./shown.js";
import { shortened, visible } from "./text.js";

/** @typedef {import("./pinned.js").Pinned} Pinned */
/** @typedef {import("./pins.js").Mark} Mark */
/** @typedef {import("./rows.js").LogEvent} LogEvent */

/** As on the server. */
const LONGEST_NOTE = 500;
const LONGEST_EXCERPT = 200;

/** @param {Pinned} marks @param {LogEvent} event @param {Mark} [mark] its present mark */
export function edit(marks, event, mark) {
  const dialog = makeDialog("marking", mark ? "Change the mark" : "Mark this line");
  const form = /** @type {HTMLFormElement} */ (element("form", ""));
  const label = element("label", "", "Note");
  const note = /** @type {HTMLTextAreaElement} */ (element("textarea", "", mark?.note ?? ""));
  note.maxLength = LONGEST_NOTE;
  note.rows = 3;
  note.placeholder = "What is this about? The note is optional.";
  label.append(note);
  const problem = element("p", "problem");
  problem.setAttribute("role", "alert");
  const save = button("save", mark ? "Save" : "Mark");
  save.setAttribute("type", "submit");
  const cancel = button("cancel", "Cancel");
  const buttons = element("div", "buttons");
  buttons.append(save, cancel);
  /** @param {Promise<unknown>} asking */
  const change = async (asking) => {
    if (!await asking) return;
    dialog.close();
    marks.refresh();
  };
  if (mark) {
    const remove = button("danger", "Remove the mark");
    remove.addEventListener("click", () => change(ask(problem, marks.csrfToken, "DELETE", `/api/marks/${mark.id}`)));
    buttons.append(remove);
  }
  form.append(label, element("p", "hint", written(mark)), problem, buttons);
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    change(ask(problem, marks.csrfToken, "POST", "/api/marks", { user_id: marks.userId(), event_id: event.id, note: note.value }));
  });
  note.addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
    pressed.preventDefault();
    form.requestSubmit();
  });
  cancel.addEventListener("click", () => dialog.close());
  const shown = element("div", "line");
  shown.append(excerpt(event, marks));
  dialog.append(shown, form);
  dialog.showModal();
  note.focus();
  note.setSelectionRange(note.value.length, note.value.length);
}

/** @param {Mark | undefined} mark */
const written = (mark) =>
  "Enter saves, Shift+Enter starts a new line. Everyone who can read this destination sees it."
  + (mark?.marked_by ? ` Last changed by ${mark.marked_by}.` : "");

/** Fill the menu with all marks, each with its line. @param {Pinned} marks */
export async function list(marks) {
  const items = /** @type {HTMLElement} */ (marks.menu.querySelector("ul"));
  const problem = /** @type {HTMLElement} */ (marks.menu.querySelector(".problem"));
  const address = `/api/marks?events=yes&user_id=${encodeURIComponent(marks.userId())}`;
  const answer = await ask(problem, marks.csrfToken, "GET", address);
  if (!answer) return;
  marks.show(answer.marks);
  items.replaceChildren(...answer.marks.map((/** @type {Mark} */ mark) => itemOf(mark, marks)));
}

/** @param {Mark} mark @param {Pinned} marks */
function itemOf(mark, marks) {
  const { menu, reading, zone } = marks;
  const { event } = mark;
  const item = element("li", "");
  if (event) {
    const link = /** @type {HTMLAnchorElement} */ (element("a", "open"));
    link.href = pathOf(event, marks.userId());
    link.append(excerpt(event, marks));
    link.addEventListener("click", (clicked) => {
      if (clicked.ctrlKey || clicked.metaKey || clicked.shiftKey) return;
      clicked.preventDefault();
      menu.open = false;
      reading.openContext(event);
    });
    item.append(link);
  } else {
    const when = zone.moment(Number(mark.event_id) / 1000);
    item.append(element("p", "quiet", `${when} · expired: only the note is kept`));
  }
  if (mark.note) item.append(element("p", "written", visible(mark.note)));
  return item;
}

/** A line's time, host, program and message. @param {LogEvent} event @param {Pinned} marks */
function excerpt(event, { zone }) {
  const line = element("span", "excerpt");
  line.append(
    element("span", "time", zone.moment(Date.parse(event.time))), " ", element("span", "host", visible(event.hostname || event.sender_ip)), " ",
    element("span", "program", visible(event.file_name)), " ", element("span", "message", visible(shortened(shownOf(event), LONGEST_EXCERPT))));
  return line;
}
