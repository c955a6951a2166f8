/** Fixes a search in time: relative times such as `after:15m` become absolute ones. */

import { term, termOf, terms, withTerm } from "./query.js";
import { TIMES } from "./ranges.js";
import { readQuery } from "./search.js";

const NAMED = /^((?:NOT\s+)*-?(?:(?:after|before):)?)/i;

/** @typedef {import("./query.js").Term} Term */

/**
 * @param {string} query @param {number} newest id of the last line shown, 0 for none
 * @param {(query: string) => Promise<any>} [read] fetches what a query means
 * @returns {Promise<string>} a query that always finds what `query` finds now, up to `newest`
 */
export async function fixed(query, newest, read = readQuery) {
  let text = query;
  for (const each of timesIn(terms(query)).reverse()) {
    const meaning = await read(term(each.attribute, each.value));
    const time = meaning?.[each.attribute === "after" ? "from" : "to"];
    if (time) text = text.slice(0, each.start) + (NAMED.exec(each.text)?.[1] ?? "") + time + text.slice(each.end);
  }
  return newest && !termOf(text, "before") ? withTerm(text, term("before", timeOf(newest + 1))) : text;
}

/** @param {Term[]} from @returns {Term[]} in order */
function timesIn(from) {
  return from.flatMap((each) => (TIMES.includes(each.attribute) && each.value ? [each] : timesIn(each.parts)));
}

/** @param {number} id microseconds since 1970 @returns {string} */
function timeOf(id) {
  const micros = String(id % 1000).padStart(3, "0");
  return new Date(Math.floor(id / 1000)).toISOString().replace("Z", `${micros}Z`);
}
