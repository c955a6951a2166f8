/** Rooms over the log: what lies beneath one that is open cannot be reached. */

/**
 * After the next frame: many lines beneath take long to become inert, and nothing of it is seen.
 * @param {HTMLElement} room that opens @param {HTMLElement[]} covered
 */
export function cover(room, covered) {
  requestAnimationFrame(() => setTimeout(() => {
    if (!room.hidden) for (const each of covered) each.inert = true;
  }));
}

/** A room closes; the focus that it had goes to what was beneath. @param {HTMLElement} room @param {HTMLElement[]} covered */
export function uncover(room, covered) {
  const hadFocus = room.contains(document.activeElement);
  room.hidden = true;
  for (const each of covered) each.inert = false;
  if (hadFocus) covered[0].focus({ preventScroll: true });
}
