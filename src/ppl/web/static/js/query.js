/**
 * The terms of a query (docs/search.rst): list them, add one, remove one. Pure functions, and lenient: only the server
 * reports errors.
 */

/**
 * @typedef {Object} Term one term; a query with alternatives (`OR`) is a single one
 * @property {string} text as written
 * @property {number} start index in the query
 * @property {number} end
 * @property {boolean} isExcluded
 * @property {string} attribute such as `host`; `.status` for a field of that name; empty for a word, phrase or group
 * @property {string} value without quotes; empty for a group or a regular expression
 * @property {boolean} isExact whether the value must equal the whole field
 * @property {Term[]} parts of a group
 */

const ATTRIBUTE = /(sender|host|ip|program|file|procid|msgid|structured_data|message|severity|level|facility|after|before):(?=[^\s)])/iy;
const FIELD = /\.?([A-Za-z_@][\w.@-]{0,255}):(?!:|\/\/)(?=[^\s)])/y;
const EXACT = new Set(["sender", "host", "program", "file", "procid", "msgid", "structured_data", "message", "level"]);
const OPERATOR = /(AND|OR)(?=[\s()]|$)/y;
const NOT = /NOT(?:\s+|(?=[()]|$))/y;
const PHRASE = /"((?:[^"]|"")*)("|$)|'((?:[^']|'')*)('|$)/y;
const CLOSED = /"((?:[^"]|"")*)(")|'((?:[^']|'')*)(')/y;
const TYPED = /(?:“(.+?)”|„(.+?)[“”]|”(.+?)”|«(.+?)»|»(.+?)«|‘(.+?)’|‚(.+?)[‘’])(?=[\s()]|$)/sy;
const REGEX = /\/(?:[^/\\]|\\.)+\/(?=[\s()]|$)/sy;
const WORD = /[^\s()]+/y;
const BLANKS = /\s*/y;
// The server accepts 50 nested groups; a text of only brackets must not exhaust the stack.
const DEEPEST = 60;
const ONE_OF_A_KIND = new Set(["severity", "after", "before"]);

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.hasAlternatives = false;
    this.depth = 0;
  }

  /** @param {RegExp} pattern sticky @returns {RegExpExecArray | null} */
  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }

  /** @param {string} inherited the group's attribute @param {boolean} isGroup @returns {Term[]} */
  terms(inherited, isGroup) {
    const found = [];
    for (;;) {
      this.take(BLANKS);
      if (this.at >= this.text.length || (isGroup && this.text[this.at] === ")")) return found;
      const start = this.at;
      const operator = this.take(OPERATOR)?.[1];
      if (operator === "OR" && !isGroup) this.hasAlternatives = true;
      if (operator === "AND" || operator === "OR") continue;
      this.at = start;
      found.push(this.term(inherited));
    }
  }

  /** @param {string} inherited @returns {Term} */
  term(inherited) {
    const start = this.at;
    let isExcluded = false;
    while (this.take(NOT)) isExcluded = !isExcluded;
    if (this.text[this.at] === "-" && /[^\s)]/.test(this.text[this.at + 1] ?? "")) {
      isExcluded = !isExcluded;
      this.at += 1;
    }
    const name = this.take(ATTRIBUTE)?.[1].toLowerCase() ?? (inherited || this.field());
    const attribute = name === "level" ? "severity" : name;
    const isExact = takesExact(name) && /^=[^\s()]/.test(this.text.slice(this.at, this.at + 2));
    if (isExact) this.at += 1;
    const { value, parts } = this.operand(attribute, isExact);
    return { text: this.text.slice(start, this.at), start, end: this.at, isExcluded, attribute, value, isExact, parts };
  }

  /** @returns {string} */
  field() {
    const name = this.take(FIELD)?.[1];
    return name ? `.${name}` : "";
  }

  /** @param {string} attribute @param {boolean} isExact @returns {{value: string, parts: Term[]}} */
  operand(attribute, isExact) {
    if (this.text[this.at] === "(" && this.depth < DEEPEST) {
      this.at += 1;
      this.depth += 1;
      const parts = this.terms(attribute, true);
      this.depth -= 1;
      this.at = Math.min(this.text.length, this.at + 1);
      return { value: "", parts };
    }
    // A field's value that begins with a quote which is not closed is a word.
    const phrase = this.take(attribute.startsWith(".") ? CLOSED : PHRASE);
    if (phrase) {
      return { value: (phrase[1] ?? "").replaceAll('""', '"') + (phrase[3] ?? "").replaceAll("''", "'"), parts: [] };
    }
    const typed = this.take(TYPED);
    if (typed) return { value: typed.slice(1).find((each) => each !== undefined) ?? "", parts: [] };
    if (!isExact && this.take(REGEX)) return { value: "", parts: [] };
    const word = this.take(WORD);
    if (!word) this.at += 1; // an unmatched parenthesis
    return { value: word?.[0] ?? "", parts: [] };
  }
}

/** @param {string} attribute @returns {boolean} whether `=` may stand before its value */
const takesExact = (attribute) => EXACT.has(attribute) || attribute.startsWith(".");

/** @param {string} query @returns {Term[]} in order */
export function terms(query) {
  const reader = new Reader(query);
  const found = reader.terms("", false);
  if (!reader.hasAlternatives) return found;
  const text = query.trim();
  const start = query.indexOf(text);
  return [{ text, start, end: start + text.length, isExcluded: false, attribute: "", value: "", isExact: false, parts: found }];
}

/**
 * A term that finds exactly this text. @param {string} attribute such as `host`, `.status` for a field, or empty for
 * anywhere
 * @param {string} value @param {boolean} [isExcluded] @returns {string}
 */
export function term(attribute, value, isExcluded = false) {
  return (isExcluded ? "-" : "") + prefix(attribute) + written(attribute, value);
}

/**
 * A term that matches if the whole field is this text.
 * @param {string} attribute such as `host`; for `ip`, an address is always compared whole @param {string} value
 * @param {boolean} [isExcluded] @returns {string}
 */
export function exactTerm(attribute, value, isExcluded = false) {
  const sign = takesExact(attribute) ? "=" : "";
  return `${isExcluded ? "-" : ""}${prefix(attribute)}${sign}${written(attribute, value)}`;
}

/** @param {string} attribute @returns {string} with its colon; a field has its dot only where it is an attribute too */
function prefix(attribute) {
  const isPlain = attribute.startsWith(".") && !begins(ATTRIBUTE, `${attribute.slice(1)}:x`);
  return attribute && `${isPlain ? attribute.slice(1) : attribute}:`;
}

/** @param {RegExp} pattern @param {string} text @returns {boolean} whether the text begins so */
const begins = (pattern, text) => new RegExp(pattern.source, pattern.flags).test(text);

/** @param {string} attribute @param {string} value @returns {string} in quotes if it would be read as syntax */
function written(attribute, value) {
  const isPlain = /^[^\s()"'/*=“”„‘‚«»-][^\s()*]*$/.test(value)
    && (attribute ? !(attribute.startsWith(".") && /^[<>:]/.test(value))
      : !(/^(AND|OR|NOT)$/.test(value) || begins(ATTRIBUTE, value) || begins(FIELD, value)));
  const quoted = value.includes('"') && !value.includes("'") ? `'${value}'` : `"${value.replaceAll('"', '""')}"`;
  return isPlain ? value : quoted;
}

/**
 * `query` with `added`. Removes its opposite, and keeps one severity and one time of each kind.
 * @param {string} query @param {string} added a term @returns {string}
 */
export function withTerm(query, added) {
  const [fresh] = terms(added);
  if (!fresh) return query.trim();
  const bare = bareText(fresh);
  let rest = query;
  for (const each of terms(query).reverse()) {
    const isReplaced = ONE_OF_A_KIND.has(fresh.attribute) && each.attribute === fresh.attribute
      && !each.isExcluded && !fresh.isExcluded;
    if (bareText(each) === bare || isReplaced) rest = without(rest, each);
  }
  const isOpen = terms(rest).length === 1 && hasAlternatives(rest);
  rest = rest.trim();
  if (isOpen) rest = `(${rest})`;
  return `${rest} ${added}`.trim();
}

/** @param {string} query @param {Term} gone one of its terms @returns {string} */
export function without(query, gone) {
  let before = query.slice(0, gone.start).trimEnd();
  let after = query.slice(gone.end).trimStart();
  if (/(^|[\s()])AND$/.test(before)) before = before.slice(0, -3).trimEnd();
  else if (/^AND(?=[\s(])/.test(after)) after = after.slice(3).trimStart();
  return `${before} ${after}`.trim();
}

/** @param {string} query @param {string} attribute @returns {Term | undefined} its first that excludes nothing */
export function termOf(query, attribute) {
  return terms(query).find((each) => each.attribute === attribute && !each.isExcluded);
}

/** @param {string} query @param {string[]} attributes @returns {string} without their terms; exclusions stay */
export function withoutAll(query, attributes) {
  let rest = query;
  for (const each of terms(query).reverse()) {
    if (attributes.includes(each.attribute) && !each.isExcluded) rest = without(rest, each);
  }
  return rest;
}

/** @param {string} query */
function hasAlternatives(query) {
  const reader = new Reader(query);
  reader.terms("", false);
  return reader.hasAlternatives;
}

/** @param {Term} each @returns {string} its text without `NOT` and `-` */
const bareText = ({ text }) => text.replace(/^(NOT\s+)*-?/, "");
