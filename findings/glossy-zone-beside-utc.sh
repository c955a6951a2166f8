#!/usr/bin/env bash
# glossy, which winston's and pino's syslog transports use for RFC 5424, writes the clock of UTC and beside it the offset of
# the local zone, and pads milliseconds to two digits. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" glossy@0.1.7
cat > run.cjs <<'JS'
const { Produce } = require("glossy");

const happened = new Date("2026-07-01T12:00:05.007Z");
const line = new Produce({ type: "RFC5424" }).produce({
  facility: "user", severity: "info", host: "web-1", appName: "app", date: happened, message: "hello",
});
const said = line.split(" ")[1];
const early = (happened - Date.parse(said)) / 1000;
console.log("version: glossy", require("glossy/package.json").version, "on node", process.versions.node.split(".")[0]);
console.log("behaviour: the hour is that of UTC, the offset that of the local zone, and 7 ms are written as .07");
console.log(`seen: ${said} with TZ=Asia/Tokyo for ${happened.toISOString()}: ${early} s early`);
process.exit(said === "2026-07-01T12:00:05.07+09:00" ? 0 : 1);
JS
TZ=Asia/Tokyo node run.cjs
