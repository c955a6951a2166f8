#!/usr/bin/env bash
# npm's "syslog" writes <NaN> in the place of the priority, whatever facility and severity it is given: a receiver sees a
# line without PRI. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" syslog@0.1.1
cat > run.cjs <<'JS'
const net = require("net");
const syslog = require("syslog");

let data = "";
const server = net.createServer((socket) => {
  socket.on("data", (read) => {
    data += read;
    if (data.split("\n").length < 3) return;
    const priorities = data.trim().split("\n").map((line) => line.slice(0, line.indexOf(">") + 1));
    console.log("version: syslog", require("syslog/package.json").version, "of npm, on node",
      process.versions.node.split(".")[0]);
    console.log("behaviour: the priority of each line is <NaN>, with the defaults and with a facility and a severity");
    console.log("seen:", priorities.join(" "));
    process.exit(priorities.every((each) => each === "<NaN>") ? 0 : 1);
  });
});
server.listen(0, "127.0.0.1", () => {
  const client = syslog.createClient(server.address().port, "127.0.0.1", { facility: syslog.FACILITY_USER, name: "app" });
  client.info("first");
  client.log("second", syslog.LOG_ERROR);
});
setTimeout(() => process.exit(2), 20000);
JS
node run.cjs
