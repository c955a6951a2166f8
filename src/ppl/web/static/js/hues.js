/** A colour for each host, always the same; as many colours as the eye can tell apart. */

/** As in viewer.css. */
const HUES = 10;

/** @param {string} name of a host @returns {string} its class; those of `web-1` and `web-2` are far apart */
export function hueOf(name) {
  let hash = 0;
  for (let at = 0; at < name.length; at += 1) hash = (hash * 31 + name.charCodeAt(at)) % 1_000_003;
  return `h${hash % HUES}`;
}
