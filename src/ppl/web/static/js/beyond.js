/** The next line of a kind beyond those that are loaded, which the server looks for. Loaded when a key first asks for it. */

import { idOf } from "./list.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */
/** @typedef {import("./reading.js").Reading} Reading */
/** @typedef {import("./reading.js").Kind} Kind */

/**
 * Look, and show what was found. @param {Reading} reading @param {1 | -1} direction @param {Kind} kind
 * @param {AbortSignal} signal
 * @throws {Error} with a message for the reader, or because it was ended
 */
export async function lookBeyond(reading, direction, kind, signal) {
  const { around, context } = reading;
  const doing = `looking for ${kind.name === "error" ? "an" : "a"} ${kind.name} further ${direction > 0 ? "down" : "up"}`;
  const say = (/** @type {string} */ more) => around.busy(`${doing}${more} · Esc ends it`);
  say("");
  const query = context.isOpen ? "" : around.search.query;
  const found = await findBeyond({
    userId: around.userId(),
    query: query && kind.term ? `(${query}) ${kind.term}` : query || kind.term,
    direction,
    from: edgeOf(reading, direction),
    signal,
    reached: (time) => say(`, ${around.zone.moment(Date.parse(time))} reached`),
  });
  signal.throwIfAborted();
  if (!found) reading.notFound(direction, kind);
  else if (context.isOpen) context.open(found);
  else reading.awaits(found.id);
}

/** Where to look from: lines left out on the way, or the end of those loaded. @param {Reading} reading @param {1 | -1} direction */
function edgeOf({ cursor: { gap }, looked }, direction) {
  if (gap) return idOf(direction > 0 ? looked.rowBefore(gap) : looked.rowFrom(gap));
  return direction > 0 ? looked.lookedUpTo || looked.newestId : looked.lookedBackTo || looked.oldestId;
}

/**
 * @param {{userId: string, query: string, direction: 1 | -1, from: number, signal: AbortSignal,
 *   reached: (time: string) => void}} asked `from`: the id after, or before, which to look
 * @returns {Promise<LogEvent | null>} the nearest, if there is one
 */
export async function findBeyond({ userId, query, direction, from, signal, reached }) {
  const [order, bound] = direction > 0 ? ["oldest", "after"] : ["newest", "before"];
  for (let at = from; ;) {
    const asked = new URLSearchParams({ user_id: userId, q: query, order, [bound]: String(at), limit: "1" });
    const answer = await fetch(`/api/events?${asked}`, { signal, cache: "no-store" });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error.message);
    if (found.events.length) return found.events[0];
    if (found.complete) return null;
    at = direction > 0 ? Number(found.reached) - 1 : Number(found.reached);
    reached(found.reached_time);
  }
}
