/** The viewer's WebSocket: opens, identifies, reconnects with backoff, and says what happens. */

const LONGEST = 30;

/**
 * @typedef {Object} Handlers
 * @property {() => Record<string, unknown>} identify data of `send_user_data`, asked at every open
 * @property {(event: string, data: any) => void} received
 * @property {() => void} opened
 * @property {(seconds: number, attempt: number) => void} waiting called each second until the next try
 */

export class Connection {
  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.attempt = 0;
    this.timer = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
  }

  /** Connect, or begin anew. */
  open() {
    clearTimeout(this.timer);
    this.drop();
    const address = new URL("/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => {
      this.handlers.opened();
      this.send("send_user_data", this.handlers.identify());
    };
    socket.onmessage = (message) => {
      const { event, data } = JSON.parse(message.data);
      // Only an answer shows that the server is there; a proxy may accept and close at once.
      this.attempt = 0;
      this.handlers.received(event, data ?? {});
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.lost();
    };
  }

  /** @param {string} event @param {Record<string, unknown>} [data] @returns {boolean} whether it could be sent */
  send(event, data = {}) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ event, data }));
    return true;
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** The connection is gone, or could not be made. */
  async lost() {
    this.attempt += 1;
    // Jitter, so that a restarted server is not met by all browsers in one moment.
    const seconds = Math.min(LONGEST, 2 ** Math.min(this.attempt - 1, 5)) * (0.75 + Math.random() / 2);
    this.countDown(Math.max(1, Math.round(seconds)));
    if (await isLoggedOut()) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
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
