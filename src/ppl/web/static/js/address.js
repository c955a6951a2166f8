/** The page's address holds what is looked at, so that a reload or a link shows the same. */

/** @param {string} name @returns {string} empty if it is not there */
export const readAddress = (name) => new URL(location.href).searchParams.get(name) ?? "";

/** @param {string} name @param {string} value empty to take it out */
export function writeAddress(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  history.replaceState(null, "", address);
}
