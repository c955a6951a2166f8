/** Panels over the log: the elements beneath an open one are inert. */

/**
 * Make the covered elements inert after the next frame: with many lines it takes long and changes nothing visible.
 * @param {HTMLElement} room the panel that opens @param {HTMLElement[]} covered
 */
export function cover(room, covered) {
  requestAnimationFrame(() => setTimeout(() => {
    if (!room.hidden) for (const each of covered) each.inert = true;
  }));
}

/** Hide a panel; what it covered gets its focus, if any. @param {HTMLElement} room @param {HTMLElement[]} covered */
export function uncover(room, covered) {
  const hadFocus = room.contains(document.activeElement);
  room.hidden = true;
  for (const each of covered) each.inert = false;
  if (hadFocus) covered[0].focus({ preventScroll: true });
}
