/** What to mark in rows: the places where a search's texts and patterns occur in what a row shows. */

import { terms } from "./query.js";

/** @typedef {{source: string, longest: number}} Expression for JavaScript; `longest`: most characters to apply it to */
/** @typedef {(pattern: string) => Expression | null} Translate a search's regular expression; `null` if impossible */

// Time budget for all marking of a search: beyond it, lines are shown without marks rather than late.
const MOST_MS = 300;
/** @typedef {"message" | "host" | "program" | "procid" | "data"} Place `data`: MSGID and structured data */
/** @type {Record<string, Place[]>} attribute → where its value is shown */
const PLACES = {
  "": ["message", "host", "program", "procid", "data"], message: ["message"], host: ["host"], sender: ["host"],
  program: ["program"], file: ["program"], procid: ["procid"], msgid: ["data"], structured_data: ["data"],
};
/** @type {Place[]} */
const FIELD_PLACES = ["message", "data"];
const PATTERN = /^(?:NOT\s+)*-?(?:\.?[\w.@-]+:)?\/(.*)\/$/s;

/** Finds the parts of a text to mark. */
export class Finder {
  /** @param {Expression[]} parts */
  constructor(parts) {
    const sources = parts.map((each) => each.source).sort((a, b) => b.length - a.length);
    this.expression = new RegExp(sources.join("|"), "gisu");
    this.longest = Math.min(...parts.map((each) => each.longest));
    this.spent = 0;
  }

  /** @param {string} text @param {number} [most] @returns {[number, number][]} from and to, ascending */
  find(text, most = 1) {
    /** @type {[number, number][]} */
    const found = [];
    if (this.spent > MOST_MS) return found;
    const began = performance.now();
    for (const match of text.slice(0, this.longest).matchAll(this.expression)) {
      if (match[0]) found.push([match.index, match.index + match[0].length]);
      if (found.length >= most) break;
    }
    if (this.longest < Infinity) this.spent += performance.now() - began;
    return found;
  }
}

/** The finders of one search, one for each place of a row. */
export class Marks {
  /** @param {string} query @param {Translate} [translate] without it, regular expressions are not marked */
  constructor(query, translate = () => null) {
    /** Whether the search has regular expressions, which need translation. */
    this.hasPatterns = false;
    this.translate = translate;
    /** @type {Record<Place, Map<string, Expression>>} */
    this.parts = { message: new Map(), host: new Map(), program: new Map(), procid: new Map(), data: new Map() };
    this.collect(terms(query));
    const { message, host, program, procid, data } = this.parts;
    this.message = finder(message);
    this.host = finder(host);
    this.program = finder(program);
    this.procid = finder(procid);
    this.data = finder(data);
  }

  /** Whether nothing of the search can be marked: then each line found is a match. */
  get isEmpty() { return Object.values(this.parts).every((part) => !part.size); }

  /** @param {import("./query.js").Term[]} from */
  collect(from) {
    for (const each of from) {
      if (each.isExcluded) continue;
      this.collect(each.parts);
      for (const place of placesOf(each.attribute)) {
        for (const part of this.partsOf(each, place)) this.parts[place].set(part.source, part);
      }
    }
  }

  /** @param {import("./query.js").Term} term @param {string} place @returns {Expression[]} */
  partsOf({ text, attribute, value, isExact, parts }, place) {
    const pattern = value || parts.length ? null : PATTERN.exec(text);
    if (pattern) {
      this.hasPatterns = true;
      const translated = this.translate(pattern[1]);
      return translated ? [translated] : [];
    }
    if (attribute.startsWith(".")) return parts.length ? [] : [inField(attribute.slice(1), text, value, isExact)];
    // Not for messages, since a folded one is searched in parts, nor for MSGID and structured data, which are one text.
    if (isExact && place !== "message" && place !== "data") return [plain(value, "^", "$")];
    const hasStars = attribute && !isExact && !/["']$/.test(text);
    const pieces = (hasStars ? value.split("*") : [value]).filter(Boolean);
    // A single dash or colon is everywhere: marking it tells nothing.
    return pieces.filter((piece) => !/^[^\p{L}\p{N}]$/u.test(piece)).map((piece) => plain(piece));
  }
}

/** @param {string} attribute @returns {Place[]} */
const placesOf = (attribute) => PLACES[attribute] ?? (attribute.startsWith(".") ? FIELD_PLACES : []);

/** @param {string} query @param {Translate} [translate] @returns {Marks | null} `null` for an empty query */
export const marksOf = (query, translate) => (query ? new Marks(query, translate) : null);

/** The marks of a query with regular expressions, without these if their module fails to load. @param {string} query */
export async function marksWithPatterns(query) {
  const translate = await import("./expressions.js").then((module) => module.translate, () => undefined);
  return marksOf(query, translate);
}

/** @param {Map<string, Expression>} parts */
const finder = (parts) => (parts.size ? new Finder([...parts.values()]) : null);

/** @param {string} text @param {string} [before] @param {string} [after] @returns {Expression} */
function plain(text, before = "", after = "") {
  return { source: before + escaped(text) + after, longest: Infinity };
}

/**
 * A value after its name, as JSON, pairs and structured data write it. Of a comparison or a pattern any value is marked.
 * @param {string} name @param {string} text of the term @param {string} value @param {boolean} isExact @returns {Expression}
 */
function inField(name, text, value, isExact) {
  const before = `(?<![\\p{L}\\p{N}_])${escaped(name.slice(name.lastIndexOf(".") + 1))}"?\\s{0,4}[:=]\\s{0,4}`;
  const isLiteral = isExact || /["']$/.test(text) || !/^[<>]|\*/.test(value);
  if (!isLiteral || !value) return { source: `(?<=${before}"?)[^\\s"',;}\\]]+`, longest: Infinity };
  const literal = escaped(value);
  // The name is looked for only where the value is found.
  return { source: `${literal}(?<=${before}(?:"${isExact ? "" : '[^"]{0,200}'})?${literal})`, longest: Infinity };
}

/** @param {string} text @returns {string} it as a part of a regular expression */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
