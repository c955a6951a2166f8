/**
 * True heights for chunks that were never drawn. While live, what is out of sight is not even laid out; a pause must not
 * wait for all of it: near chunks are laid out at once, the others one by one when there is nothing else to do.
 */

/** @typedef {import("./list.js").LogList} LogList */

/** @type {(act: () => void) => void} not every browser knows idleness */
const whenIdle = globalThis.requestIdleCallback ?? ((act) => { setTimeout(act, 50); });

/** @param {LogList} list @returns {Element[]} */
const farOf = (list) => (list.isLive ? [] : [...list.pane.children].filter((each) => each.classList.contains("far")));

/** Live ends. @param {LogList} list */
export function hold(list) {
  list.keepingPlace(() => {
    for (const chunk of list.pane.querySelectorAll(".chunk")) chunk.classList.toggle("far", !isNear(list, chunk));
    list.pane.classList.remove("live");
  });
  layOutSoon(list);
}

/** The reader comes where chunks may not be laid out yet. @param {LogList} list */
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
  });
}

/** @param {LogList} list @param {Element} chunk at most a whole look up or down */
const isNear = (list, chunk) => list.isWithin(chunk, list.pane.clientHeight);
