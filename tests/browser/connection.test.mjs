// The WebSocket's life over a test double of the network: sockets open, send, fall silent and close on command.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Connection } from "../../src/ppl/web/static/js/connection.js";

/** @type {FakeSocket[]} */
let sockets = [];
let status = 200;
let went = "";
const listeners = new Map();

class FakeSocket {
  static OPEN = 1;

  constructor(address) {
    Object.assign(this, { address: String(address), readyState: 0, sent: [] });
    sockets.push(this);
  }

  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 2; }

  opens() {
    this.readyState = 1;
    this.onopen();
  }

  says(event, data) { this.onmessage({ data: JSON.stringify({ event, data }) }); }

  closes() {
    this.readyState = 3;
    this.onclose();
  }
}

/** A connection, and the calls of its handlers. */
function connected() {
  const told = [];
  const connection = new Connection({
    identify: (silence) => ({ user_id: "h:1", silence }),
    received: (event, data) => told.push([event, data]),
    opened: () => told.push(["opened"]),
    waiting: (seconds, attempt) => told.push(["waiting", seconds, attempt]),
  });
  connection.open();
  return { connection, told };
}

beforeEach(() => {
  sockets = [];
  status = 200;
  went = "";
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
  mock.method(Math, "random", () => 0.5);
  mock.method(globalThis, "fetch", async () => ({ status }));
  globalThis.WebSocket = FakeSocket;
  globalThis.location = {
    href: "https://ppl.example/?sender=::1", protocol: "https:", pathname: "/", search: "?sender=::1",
    assign: (address) => { went = address; },
  };
  globalThis.addEventListener = (name, listener) => listeners.set(name, listener);
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

test("a connection identifies itself before anything else", () => {
  const { told } = connected();
  assert.equal(sockets[0].address, "wss://ppl.example/ws");
  sockets[0].opens();
  assert.equal(sockets[0].sent[0].event, "send_user_data");
  assert.deepEqual(told, [["opened"]]);
});

test("frames from an older socket are ignored", () => {
  const { connection, told } = connected();
  sockets[0].opens();
  connection.open();
  sockets[0].says("live_update_logs", { events: [] });
  sockets[0].closes();
  sockets[1].opens();
  assert.deepEqual(told, [["opened"], ["opened"]]);
});

test("a lost connection is retried after a countdown, which grows until a frame arrives", () => {
  const { told } = connected();
  sockets[0].opens();
  sockets[0].says("send_logs", { events: [] });
  sockets[0].closes();
  mock.timers.tick(1000);
  sockets[1].closes();
  mock.timers.tick(1000);
  assert.equal(sockets.length, 2);
  mock.timers.tick(1000);
  sockets[2].opens();
  sockets[2].closes();
  assert.deepEqual(told.filter(([what]) => what === "waiting"), [
    ["waiting", 1, 1], ["waiting", 2, 2], ["waiting", 1, 2], ["waiting", 4, 3],
  ]);
  for (let second = 0; second < 4; second += 1) mock.timers.tick(1000);
  sockets[3].opens();
  sockets[3].says("send_logs", { events: [] });
  sockets[3].closes();
  assert.deepEqual(told.at(-1), ["waiting", 1, 1]);
});

test("the next connection is told how long the silence was", () => {
  connected();
  sockets[0].opens();
  mock.timers.tick(3000);
  sockets[0].closes();
  mock.timers.tick(1000);
  sockets[1].opens();
  assert.equal(sockets[1].sent[0].data.silence, 4000);
});

test("a silent server is probed, and the answer is not passed on", () => {
  const { told } = connected();
  sockets[0].opens();
  mock.timers.tick(30_000);
  const probe = sockets[0].sent.at(-1);
  assert.equal(probe.event, "get_logs");
  sockets[0].says("send_logs", { events: [], isOldestEventReached: "false", ...probe.data });
  mock.timers.tick(20_000);
  assert.equal(sockets.length, 1);
  assert.deepEqual(told, [["opened"]]);
});

test("a connection that stops answering is given up, though nobody closed it", () => {
  const { told } = connected();
  sockets[0].opens();
  for (let second = 0; second < 60; second += 5) mock.timers.tick(5000);
  assert.ok(sockets.length > 1);
  assert.equal(told[1][0], "waiting");
});

test("when the network returns, the countdown is skipped", () => {
  connected();
  sockets[0].opens();
  listeners.get("offline")();
  assert.equal(sockets.length, 1);
  listeners.get("online")();
  assert.equal(sockets.length, 2);
});

test("an expired session leads to the login page, and from there back to the same address", async () => {
  connected();
  status = 401;
  sockets[0].closes();
  await new Promise((done) => { setImmediate(done); });
  assert.equal(went, "/login?next=%2F%3Fsender%3D%3A%3A1");
});
