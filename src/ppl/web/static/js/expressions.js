/**
 * Translates the regular expressions of searches to JavaScript's, to mark matches. Loaded with the first one.
 *
 * The server's engine takes time linear in the text, JavaScript's backtracks: an expression with too many ways to match
 * is not translated, and the others are applied only to as many characters as can be searched at once.
 */

/** @typedef {import("./marks.js").Expression} Expression */

const STEPS = 1e7;
const LONGEST = 20_000;
const SHORTEST = 60;
const LETTER = "\\p{L}\\p{N}_";
/** @type {Record<string, string>} */
const ESCAPES = { d: "0-9", s: "\\s", w: LETTER };
/** @type {Record<string, string>} */
const OUTSIDE = {
  D: "[^0-9]", S: "\\S", W: `[^${LETTER}]`, A: "^", Z: "$", y: "\\b", b: "\\b", m: "\\b", M: "\\b",
};
/** @type {Record<string, string>} */
const CLASSES = {
  alpha: "\\p{L}", upper: "\\p{L}", lower: "\\p{L}", digit: "0-9", alnum: "\\p{L}\\p{N}", space: "\\s", xdigit: "0-9a-f",
  blank: " \\t",
};
const TOKEN = /\\u[0-9a-f]{4}|\\[\s\S]|\[\^?(?:\[:\w+:\]|\\[\s\S]|[^\]\\])+\]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/giu;
const IN_CLASS = /\[:(\w+):\]|\\u[0-9a-f]{4}|\\([\s\S])|[\s\S]/giu;

class Unsayable extends Error {}

/** @param {string} pattern of a search @returns {Expression | null} `null` if it cannot be translated */
export function translate(pattern) {
  try {
    const tokens = pattern.replace(/^\(\?i\)/, "").match(TOKEN) ?? [];
    const source = `(?:${tokens.map(said).join("")})`;
    const longest = reachOf(tokens);
    new RegExp(source, "gisu");
    return longest < SHORTEST ? null : { source, longest };
  } catch {
    return null;
  }
}

/** @param {string} token @returns {string} */
function said(token) {
  if (token.length > 1 && token[0] === "[") return setOf(token);
  if (token === "]" || token === "}") return `\\${token}`;
  if (token[0] !== "\\" || /^\\u./i.test(token)) return token;
  const name = token.slice(1);
  if (Object.hasOwn(OUTSIDE, name)) return OUTSIDE[name];
  return Object.hasOwn(ESCAPES, name) ? `[${ESCAPES[name]}]` : escaped(name);
}

/** @param {string} token `[…]` */
function setOf(token) {
  const isNot = token[1] === "^";
  // A "]" in first place stands for itself, which JavaScript does not support.
  if (token[isNot ? 2 : 1] === "]") throw new Unsayable();
  const inner = token.slice(isNot ? 2 : 1, -1).replace(IN_CLASS, (each, posix, name) => {
    if (posix) {
      if (!Object.hasOwn(CLASSES, posix)) throw new Unsayable();
      return CLASSES[posix];
    }
    if (name === undefined) return each === "[" ? "\\[" : each;
    return Object.hasOwn(ESCAPES, name) ? ESCAPES[name] : escaped(name);
  });
  return `[${isNot ? "^" : ""}${inner}]`;
}

/** @param {string} name the character after a backslash */
function escaped(name) {
  if (/[nrtfv]/.test(name) || /[\^$\\.*+?()[\]{}|/-]/.test(name)) return name === "-" ? "\\x2d" : `\\${name}`;
  if (/[\p{L}\p{N}]/u.test(name)) throw new Unsayable();
  return name;
}

/**
 * How many characters the expression may be applied to: each unbounded repetition multiplies the ways to match by the
 * text's length, each choice by two.
 * @param {string[]} tokens
 */
function reachOf(tokens) {
  const ways = { endless: 0, choices: 0 };
  /** @type {typeof ways[]} for each open group, the ways before it */
  const open = [];
  /** The ways within the group closed last. */
  let within = { endless: 0, choices: 0 };
  tokens.forEach((token, at) => {
    const before = tokens[at - 1] ?? "";
    if (token === "(") open.push({ ...ways });
    if (token === ")") {
      const { endless = 0, choices = 0 } = open.pop() ?? {};
      within = { endless: ways.endless - endless, choices: ways.choices - choices };
    }
    if (token === "|") ways.choices += 1;
    if (!/^[*+?{]/.test(token) || before === "(") return;
    const [least, most] = boundsOf(token);
    const isOfGroup = before === ")";
    const hasWays = isOfGroup && (within.endless || within.choices);
    if (most === Infinity) {
      if (hasWays) throw new Unsayable();
      ways.endless += 1;
      return;
    }
    ways.choices += Math.log2(most - least + 1);
    if (!isOfGroup || most < 2) return;
    ways.choices += within.choices * (most - 1);
    ways.endless += within.endless * (most - 1);
  });
  return Math.min(LONGEST, Math.floor((STEPS / 2 ** ways.choices) ** (1 / (1 + ways.endless))));
}

/** @param {string} token such as `+`, `?` or `{2,3}` @returns {[number, number]} least and most */
function boundsOf(token) {
  if (token[0] === "?") return [0, 1];
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)/.exec(token) ?? [];
  if (!least || (comma && !most)) return [0, Infinity];
  return [Number(least), Number(comma ? most : least)];
}
