/** Creates elements. */

/** @param {string} tag @param {string} name its class, or empty @param {string} [text] */
export function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** @param {string} name its class, or empty @param {string} text */
export function button(name, text) {
  const made = element("button", name, text);
  made.setAttribute("type", "button");
  return made;
}
