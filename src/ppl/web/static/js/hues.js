/** A colour for each host, the same everywhere and always; there are as many as the eye tells apart. */

/** As in viewer.css. */
const HUES = 10;

/** @param {string} name of a host @returns {string} a class; that of `web-2` is far from that of `web-1` */
export function hueOf(name) {
  let hash = 0;
  for (let at = 0; at < name.length; at += 1) hash = (hash * 31 + name.charCodeAt(at)) % 1_000_003;
  return `h${hash % HUES}`;
}
