/** What a row shows of an event: its message, or what stands in for it where a sender wrote none. */

/** @typedef {import("./rows.js").LogEvent} LogEvent */

/**
 * MSGID and structured data, as RFC 5424 writes them side by side: some senders write nothing else.
 * @param {LogEvent} event @returns {string} empty if it has neither
 */
export const standIn = ({ msgid = "", structured_data: data = "" }) => [msgid, data].filter(Boolean).join(" ");

/** @param {LogEvent} event @returns {string} */
export const shownOf = (event) => event.message || standIn(event);
