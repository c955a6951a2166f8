/** What the browser remembers of the reader's choices. One that remembers nothing shows the usual next time. */

/** @typedef {"localStorage" | "sessionStorage"} Place for good, or for the tab */

/** @param {string} key @param {Place} [place] @returns {string} empty where nothing is remembered */
export function remembered(key, place = "localStorage") {
  try {
    return globalThis[place].getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} value @param {Place} [place] */
export function remember(key, value, place = "localStorage") {
  try {
    globalThis[place].setItem(key, value);
  } catch { /* full, or closed to us */ }
}
