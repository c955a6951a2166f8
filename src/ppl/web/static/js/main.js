/** The viewer page: finds its parts and joins them. */

import { readAddress, writeAddress } from "./address.js";
import { Connection } from "./connection.js";
import { DayBar } from "./daybar.js";
import { Filter } from "./filter.js";
import { FirstLine } from "./firstline.js";
import { Follow } from "./follow.js";
import { listenToKeys } from "./keys.js";
import { LogList } from "./list.js";
import { Offline } from "./offline.js";
import { Status } from "./status.js";
import { Zone } from "./time.js";
import { View, wanted } from "./view.js";

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const pane = byId("log");
const destination = /** @type {HTMLSelectElement} */ (byId("destination"));
const help = /** @type {HTMLDialogElement} */ (byId("help"));

const zone = new Zone(pane.dataset.timeZone ?? "UTC");
const list = new LogList(pane, zone);
const status = new Status(byId("status"), byId("pill"), zone.name);
const dayBar = new DayBar(byId("day"), list, zone.name);
const firstLine = new FirstLine(byId("first-line"), pane.dataset.csrfToken ?? "");
const filter = new Filter(/** @type {HTMLFormElement} */ (byId("filter")), () => begin());
const offline = new Offline(byId("offline"), (change) => list.keepingPlace(change), () => connection.open());

const view = new View({
  list,
  status,
  send: (event, data) => connection.send(event, data),
  came: (events) => { for (const event of events) filter.seen(event.sender_ip); },
  changed() {
    if (list.count) firstLine.hide();
    status.rows(list.count);
    dayBar.update();
  },
  oldestReached() {
    list.markOldest(list.count ? "Beginning of history" : `No lines from ${filter.sender || "any sender"} yet`);
    const { host = "", port = "" } = destination.selectedOptions[0]?.dataset ?? {};
    if (!list.count && !filter.sender) firstLine.show(host, port, destination.value);
  },
  newestReached: () => follow.settle(),
});

const connection = new Connection({
  identify: (silence) => ({ ...wanted(destination.value, filter.sender), ...view.goOn(silence) }),
  opened() {
    offline.hide();
    view.online();
  },
  waiting(seconds, attempt) {
    offline.waiting(seconds, attempt);
    view.offline();
  },
  received(event, data) {
    switch (event) {
      case "send_logs": view.receivedLogs(data); break;
      case "live_update_logs": view.receivedLive(data.events ?? [data.event]); break;
      case "paused_count": view.receivedCount(Number(data.new)); break;
      case "live_gap": view.receivedGap(data); break;
      case "error":
        if (data.code === "bad_watched_ip") filter.refuse(data.message);
        else view.refused(data.message, data.event);
        break;
      default: break; // what a newer server adds
    }
  },
});

const follow = new Follow(list, {
  pause: (why) => view.pause(why),
  resume,
  scrolled() {
    dayBar.update();
    view.history.loadNear();
  },
});

/** A view of its own begins: another destination, another filter; a WebSocket watches one. */
function begin() {
  firstLine.hide();
  view.begin();
  status.state("offline", "Connecting…");
  status.problem("");
  status.rows(0);
  dayBar.update();
  connection.open();
}

function resume() {
  getSelection()?.removeAllRanges();
  view.resume();
}

function home() {
  view.pause("scrolled up");
  list.toTop();
}

destination.addEventListener("change", () => {
  writeAddress("user_id", destination.value);
  begin();
});
byId("pill").addEventListener("click", resume);
byId("status").querySelector(".help")?.addEventListener("click", () => help.showModal());
// Before what is clicked changes: whoever opens a line or a gap wants to read it.
pane.addEventListener("click", (event) => {
  if (/** @type {HTMLElement} */ (event.target).closest("button")) view.pause("reading");
}, { capture: true });
pane.addEventListener("click", (event) => {
  const host = /** @type {HTMLElement} */ (event.target).closest(".host");
  if (host && getSelection()?.isCollapsed) filter.set(/** @type {HTMLElement} */ (host).dataset.sender ?? "");
});
listenToKeys({
  " ": () => (view.isPaused ? resume() : view.pause("Space")),
  End: resume, G: resume, Home: home, g: home,
  "/": () => filter.field.focus(),
  l: () => list.keepingPlace(() => pane.classList.toggle("unwrapped")),
  "?": () => help.showModal(),
});
const followOn = () => {
  if (list.isLive && !document.hidden) list.followBottom();
  dayBar.update();
};
document.addEventListener("visibilitychange", followOn);
new ResizeObserver(followOn).observe(pane);

const chosen = [...destination.options].find((option) => option.value === readAddress("user_id"));
if (chosen) chosen.selected = true;
begin();
