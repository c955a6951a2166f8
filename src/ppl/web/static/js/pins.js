/** All marks, each with the function that puts its pin on a row; empty until a mark is loaded. */

/**
 * @typedef {Object} Mark as the API writes it
 * @property {string} id
 * @property {string} event_id
 * @property {string} note
 * @property {string} marked_by
 * @property {string} created_at
 * @property {import("./rows.js").LogEvent | null} [event]
 */

/** @type {Map<string, {mark: Mark, put: (row: HTMLElement) => void}>} by the id of the event */
export const PINS = new Map();
