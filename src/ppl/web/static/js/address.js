/** The page's address holds what is looked at, so that a reload or a link shows the same. */

/** @param {string} name @returns {string} empty if it is not there */
export const readAddress = (name) => new URL(location.href).searchParams.get(name) ?? "";

/**
 * @param {string} name @param {string} value empty to take it out
 * @param {boolean} [isStep] whether the browser's Back leads to what was before
 */
export function writeAddress(name, value, isStep = false) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  if (isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
