/** The viewer's WebSocket: opens, identifies, notices silence, reconnects with backoff, and says what happens. */

import { logIn } from "./api.js";
import { secondsBefore } from "./backoff.js";

const LOOK_MS = 5_000;
const QUIET_MS = 25_000;
const PATIENCE_MS = 10_000;
// A range that holds nothing: the answer shows that the server is there, and costs it nothing.
const PROBE = { after: "0", before: "1" };

/**
 * @typedef {Object} Handlers
 * @property {(silence: number) => Record<string, unknown>} identify data of `send_user_data`, asked at every open,
 *   with the ms since the server was heard
 * @property {(event: string, data: any) => void} received
 * @property {() => void} opened `send_user_data` is on its way
 * @property {(seconds: number, attempt: number) => void} waiting called each second until the next try
 */

export class Connection {
  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.attempt = 0;
    this.heard = 0;
    this.probed = 0;
    this.timer = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    setInterval(() => this.look(), LOOK_MS);
    addEventListener("online", () => this.retry());
    addEventListener("offline", () => this.giveUp());
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  /** Connect, or begin anew. */
  open() {
    clearTimeout(this.timer);
    this.drop();
    const address = new URL("/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    // What an older socket still delivers belongs to a view that is gone.
    socket.onopen = () => {
      if (this.socket === socket) this.opened();
    };
    socket.onmessage = (message) => {
      if (this.socket === socket) this.received(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (this.socket === socket) this.giveUp();
    };
  }

  /** Try now instead of waiting. */
  retry() {
    if (!this.isOpen) this.open();
  }

  /** @param {string} event @param {Record<string, unknown>} [data] @returns {boolean} whether it could be sent */
  send(event, data = {}) {
    if (!this.isOpen) return false;
    this.socket?.send(JSON.stringify({ event, data }));
    return true;
  }

  opened() {
    this.send("send_user_data", this.handlers.identify(Date.now() - this.heard));
    this.heard = Date.now();
    this.probed = 0;
    this.handlers.opened();
  }

  /** @param {{event: string, data?: any}} frame */
  received({ event, data = {} }) {
    this.heard = Date.now();
    this.probed = 0;
    // Only an answer shows that the server is there; a proxy may accept and close at once.
    this.attempt = 0;
    if (data.after !== PROBE.after || data.before !== PROBE.before) this.handlers.received(event, data);
  }

  /** A cable pulled or a laptop asleep closes no WebSocket: ask when it is quiet, and do not wait for ever. */
  look() {
    if (!this.isOpen) return;
    const now = Date.now();
    if (this.probed && now - this.probed > PATIENCE_MS) this.giveUp();
    else if (!this.probed && now - this.heard > QUIET_MS && this.send("get_logs", PROBE)) this.probed = now;
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** The connection is gone, or could not be made. */
  async giveUp() {
    this.drop();
    this.attempt += 1;
    this.countDown(secondsBefore(this.attempt, Math.random()));
    if (await isLoggedOut()) logIn();
  }

  /** @param {number} seconds */
  countDown(seconds) {
    clearTimeout(this.timer);
    if (seconds <= 0) {
      this.open();
      return;
    }
    this.handlers.waiting(seconds, this.attempt);
    this.timer = setTimeout(() => this.countDown(seconds - 1), 1000);
  }
}

/** The WebSocket cannot tell why it was refused; the API can. */
async function isLoggedOut() {
  try {
    const answer = await fetch("/api/me", { cache: "no-store" });
    return answer.status === 401;
  } catch {
    return false;
  }
}
