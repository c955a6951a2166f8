/** The viewer's WebSocket: opens, identifies, detects silence, reconnects with backoff, and reports its events. */

import { logIn } from "./api.js";
import { secondsBefore } from "./backoff.js";

const LOOK_MS = 5_000;
const QUIET_MS = 25_000;
const PATIENCE_MS = 10_000;
// An empty range: the answer shows that the server is alive, at no cost.
const PROBE = { after: "0", before: "1" };

/**
 * @typedef {Object} Handlers
 * @property {(silence: number) => Record<string, unknown>} identify returns the data of `send_user_data` at each open,
 *   given the ms since the last frame
 * @property {(event: string, data: any) => void} received
 * @property {() => void} opened called when `send_user_data` was sent
 * @property {(seconds: number, attempt: number) => void} waiting called each second until the next attempt
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

  /** Connect, replacing an existing connection. */
  open() {
    clearTimeout(this.timer);
    this.drop();
    const address = new URL("/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    // Frames of an older socket belong to a view that is gone.
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

  /** Connect now instead of waiting. */
  retry() {
    if (!this.isOpen) this.open();
  }

  /** @param {string} event @param {Record<string, unknown>} [data] @returns {boolean} whether it was sent */
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
    // Only a frame shows that the server is alive; a proxy may accept and close at once.
    this.attempt = 0;
    if (data.after !== PROBE.after || data.before !== PROBE.before) this.handlers.received(event, data);
  }

  /** Probe a silent connection and give it up without an answer: a pulled cable or a suspend closes no WebSocket. */
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

  /** Drop a connection that failed, and schedule the next attempt. */
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

/** Ask the API, since a WebSocket cannot tell why it was refused. */
async function isLoggedOut() {
  try {
    const answer = await fetch("/api/me", { cache: "no-store" });
    return answer.status === 401;
  } catch {
    return false;
  }
}
