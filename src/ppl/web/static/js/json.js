/** JSON as lines of pieces for reading; strings and numbers stay verbatim, except for newlines and tabs in strings. */

/**
 * @typedef {Object} Piece
 * @property {string} text
 * @property {"key" | "string" | "number" | "word" | ""} kind
 * @property {string} [source] for a value: its source in the JSON, with its key
 */

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[-\d][-+.\deE]*|[a-z]+|[{}[\],:]/g;
// Nobody reads deeper levels; without a limit, the indentation of nested brackets would grow quadratically.
const DEEPEST = 30;
const ESCAPED = /\\r\\n|\\[^]/g;

/** @param {string} json valid @returns {Generator<Piece[]>} its lines, on demand */
export function* linesOf(json) {
  const tokens = json.match(TOKEN) ?? [];
  let depth = 0;
  // The index of the token, and of the key before it.
  let place = 0;
  let key = 0;
  /** @type {Piece[]} */
  let line = [];
  const indent = () => [{ text: "  ".repeat(Math.min(depth, DEEPEST)), kind: /** @type {const} */ ("") }];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    place = json.indexOf(token, place);
    const isOpening = token === "{" || token === "[";
    if (isOpening && /^[}\]]$/.test(tokens[at + 1])) {
      at += 1;
      line.push({ text: token + tokens[at], kind: "" });
    } else if (isOpening) {
      line.push({ text: token, kind: "" });
      yield line;
      depth += 1;
      line = indent();
    } else if (token === "}" || token === "]") {
      yield line;
      depth -= 1;
      line = [...indent(), { text: token, kind: "" }];
    } else if (token === ",") {
      line.push({ text: token, kind: "" });
      yield line;
      line = indent();
    } else if (token === ":") {
      line.push({ text: ": ", kind: "" });
    } else {
      const kind = kindOf(token, tokens[at + 1]);
      if (kind === "key") key = place;
      const source = tokens[at - 1] === ":" ? json.slice(key, place + token.length) : token;
      const [first, ...further] = kind === "string" ? writtenOut(token).split("\n") : [token];
      line.push(kind === "key" ? { text: token, kind } : { text: first, kind, source });
      for (const text of further) {
        yield line;
        line = [...indent(), { text: `  ${text}`, kind, source }];
      }
    }
    place += token.length;
  }
  yield line;
}

/** @param {string} token @param {string} next @returns {Piece["kind"]} */
function kindOf(token, next) {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return /[a-z]/.test(token[0]) ? "word" : "number";
}

/** A string with its newlines and tabs unescaped, so that stack traces can be read. @param {string} token */
function writtenOut(token) {
  return token.replace(ESCAPED, (escaped) => {
    if (escaped === "\\t") return "\t";
    return escaped === "\\n" || escaped === "\\r\\n" ? "\n" : escaped;
  });
}
