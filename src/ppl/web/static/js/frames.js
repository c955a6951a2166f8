/** The frames of the WebSocket: the first that the page sends, and the dispatch of those it receives. */

const PORTION = 200;

/** @param {string} userId @param {string} query @param {string[]} columns @returns the data that every `send_user_data` has */
export function wanted(userId, query, columns) {
  return { user_id: userId, query, logs_portion: String(PORTION), batch: true, ...(columns.length ? { columns } : {}) };
}

/** @param {import("./view.js").View} view @param {string} event @param {any} data */
export function receive(view, event, data) {
  switch (event) {
    case "send_logs": view.receivedLogs(data); break;
    case "live_update_logs": view.receivedLive(data.events ?? [data.event]); break;
    case "paused_count": view.receivedCount(Number(data.new)); break;
    case "live_gap": view.receivedGap(data); break;
    case "search_progress": view.history.progressed(data); break;
    case "error": view.refused(data.message, data.event); break;
    default: break; // added by a newer server
  }
}
