#!/usr/bin/env bash
# npm's fluent-logger writes a Date and an Error within a record as empty maps, where JSON would have the time as text, and takes the
# number of Date.now(), given as the event's time, for seconds. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" fluent-logger@3.4.1 @msgpack/msgpack@3.1.2
cat > run.cjs <<'JS'
const net = require("net");
const { decodeMulti } = require("@msgpack/msgpack");
const fluent = require("fluent-logger");

const parts = [];
const sink = net.createServer((socket) => {
  socket.on("data", (read) => {
    parts.push(read);
    let events;
    try {
      events = [...decodeMulti(Buffer.concat(parts))];
    } catch {
      return;
    }
    if (events.length < 2) return;
    const [record, time] = [events[0][2], events[1][1]];
    console.log("version: fluent-logger", require("fluent-logger/package.json").version, "of npm");
    console.log("behaviour: a Date and an Error become {}; milliseconds are stored as seconds");
    console.log(`seen: ${JSON.stringify(record)}; the time of Date.now() is ${time} s,`,
      `the year ${new Date(time * 1000).getUTCFullYear()}`);
    process.exit(JSON.stringify(record) === '{"text":"hello","due":{},"failure":{}}' && time === 1782907200123 ? 0 : 1);
  });
});
sink.listen(0, "127.0.0.1", () => {
  fluent.configure("app", { host: "127.0.0.1", port: sink.address().port });
  fluent.emit("order", { text: "hello", due: new Date(1782907200123), failure: new Error("no stock") });
  fluent.emit("order", { text: "hello" }, new Date(1782907200123).getTime());
});
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
