#!/usr/bin/env bash
# gelf-pro sends each message over UDP as a chunk, also the shortest, as number 0 of 1: a receiver that looks at the first bytes for
# JSON, gzip or zlib, and for chunks only in long messages, reads none of them. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" gelf-pro@1.4.0
cat > run.cjs <<'JS'
const dgram = require("dgram");
const zlib = require("zlib");
const log = require("gelf-pro");

const sink = dgram.createSocket("udp4");
sink.on("message", (datagram) => {
  const magic = datagram.subarray(0, 2).toString("hex");
  const text = JSON.parse(zlib.unzipSync(datagram.subarray(12))).short_message;
  console.log("version: gelf-pro", require("gelf-pro/package.json").version);
  console.log("behaviour: a message that fits one datagram has the head of a chunk");
  console.log(`seen: "${text}" in ${datagram.length < 200 ? "less" : "more"} than 200 bytes, which begin with ${magic}:`,
    `chunk ${datagram[10]} of ${datagram[11]}`);
  process.exit(`${magic} ${datagram[10]} ${datagram[11]} ${text}` === "1e0f 0 1 hello" ? 0 : 1);
});
sink.bind(0, "127.0.0.1", () => {
  log.setConfig({ adapterName: "udp", adapterOptions: { host: "127.0.0.1", port: sink.address().port } });
  log.info("hello");
});
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
