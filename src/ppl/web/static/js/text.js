/** Log text made visible: control, bidirectional and invisible characters appear as symbols and never take effect. */

// C0 except tab and newline, DEL, C1, bidirectional controls and invisible characters; not the joiners (U+200C,
// U+200D), which Persian, Hindi and many emoji need.
// eslint-disable-next-line no-control-regex
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;
const ODDS = new RegExp(`(${ODD.source})`, "u");

/** @param {string} text @returns {boolean} whether it has characters to make visible */
export const hasOdd = (text) => ODD.test(text);

/** @param {string} text @returns {string} */
export const visible = (text) => (ODD.test(text) ? pieces(text).map((piece) => piece.shown).join("") : text);

/**
 * @param {string} text
 * @returns {{shown: string, odd?: string}[]} in order; `odd` names the character that `shown` replaces
 */
export function pieces(text) {
  return text.split(ODDS).flatMap((part, index) => {
    if (index % 2) return [{ shown: picture(part), odd: codePoint(part) }];
    return part ? [{ shown: part }] : [];
  });
}

/**
 * Where to cut `text` so that the first part has about `length` characters and no surrogate pair is split.
 * @param {string} text @param {number} length
 */
export function cutAt(text, length) {
  const last = text.charCodeAt(length - 1);
  return last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
}

/** @param {string} text @param {number} length @returns {string} the text, cut and with `…` if it is longer */
export const shortened = (text, length) => (text.length > length ? `${text.slice(0, cutAt(text, length))}…` : text);

// Created once: toLocaleString() looks its format up on each call.
const NUMBERS = new Intl.NumberFormat("en");

/** @param {number} count @param {string} what singular noun @returns {string} e.g. `1,200 lines` */
export const counted = (count, what) => `${NUMBERS.format(count)} ${what}${count === 1 ? "" : "s"}`;

/** @param {string} character */
function picture(character) {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `⟦${codePoint(character)}⟧`;
}

/** @param {string} character */
const codePoint = (character) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
