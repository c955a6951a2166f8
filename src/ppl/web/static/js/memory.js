/** The reader's choices, in the browser's storage. Without storage the defaults are shown next time. */

/** @typedef {"localStorage" | "sessionStorage"} Place permanent, or for this tab */

/** @param {string} key @param {Place} [place] @returns {string} empty if nothing is stored */
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
  } catch { /* full, or access is denied */ }
}
