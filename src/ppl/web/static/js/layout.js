/**
 * True heights for chunks that were never drawn. While live, chunks out of sight are not laid out. A pause must not
 * wait for all of them: near chunks are laid out at once, the others one by one when the browser is idle.
 */

/** @typedef {import("./list.js").LogList} LogList */

/** A browser that is never idle gives a chunk its true height after this time. */
const MOST_WAITED_MS = 1000;

/** @type {(act: () => void, options: {timeout: number}) => void} not every browser has requestIdleCallback */
const whenIdle = globalThis.requestIdleCallback ?? ((act) => { setTimeout(act, 50); });

/** @param {LogList} list @returns {Element[]} */
const farOf = (list) => (list.isLive ? [] : [...list.pane.children].filter((each) => each.classList.contains("far")));

/** End live mode. @param {LogList} list */
export function hold(list) {
  list.keepingPlace(() => {
    for (const chunk of list.pane.querySelectorAll(".chunk")) chunk.classList.toggle("far", !isNear(list, chunk));
    list.pane.classList.remove("live");
  });
  layOutSoon(list);
}

/** Lay out chunks near the reader's place. @param {LogList} list */
export function layOutNear(list) {
  const near = farOf(list).filter((each) => isNear(list, each));
  if (near.length) list.keepingPlace(() => near.forEach((each) => each.classList.remove("far")));
}

/** @param {LogList} list */
function layOutSoon(list) {
  whenIdle(() => {
    const nearest = farOf(list).at(-1);
    if (!nearest) return;
    list.keepingPlace(() => nearest.classList.remove("far"));
    layOutSoon(list);
  }, { timeout: MOST_WAITED_MS });
}

/** @param {LogList} list @param {Element} chunk near: at most one height of the pane away */
const isNear = (list, chunk) => list.isWithin(chunk, list.pane.clientHeight);
