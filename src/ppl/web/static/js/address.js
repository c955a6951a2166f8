/** The page's address holds the state of the view, so that a reload or a link shows the same. */

/** @param {string} name of a parameter @returns {string} its value, empty if absent */
export const readAddress = (name) => new URL(location.href).searchParams.get(name) ?? "";

/**
 * @param {string} name @param {string} value empty to remove the parameter
 * @param {boolean} [isStep] whether the browser's Back returns to the previous state
 */
export function writeAddress(name, value, isStep = false) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  if (isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
