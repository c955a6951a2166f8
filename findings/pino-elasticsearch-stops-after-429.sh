#!/usr/bin/env bash
# pino-elasticsearch sends nothing more after one bulk request was refused with 429, Elasticsearch's "try again": neither that batch
# nor any later line of the process. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" pino@10.4.0 pino-elasticsearch@9.0.0 2>/dev/null
cat > run.cjs <<'JS'
const http = require("http");
const pino = require("pino");
const pinoElasticsearch = require("pino-elasticsearch");

const came = [];
let refusing = true;
const sink = http.createServer((request, response) => {
  let body = "";
  request.on("data", (read) => { body += read; });
  request.on("end", () => {
    const texts = body.split("\n").filter((line) => line.includes('"msg"')).map((line) => JSON.parse(line).msg);
    came.push(...texts);
    response.setHeader("X-Elastic-Product", "Elasticsearch");
    response.setHeader("Content-Type", "application/json");
    response.statusCode = refusing && texts.length ? 429 : 200;
    response.end(JSON.stringify(response.statusCode === 429
      ? { error: { type: "es_rejected_execution_exception", reason: "busy" }, status: 429 }
      : { errors: false, items: texts.map(() => ({ index: { status: 201 } })) }));
  });
});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const run = async (refuse) => {
  refusing = refuse;
  came.length = 0;
  const stream = pinoElasticsearch({ node: `http://127.0.0.1:${sink.address().port}`, flushBytes: 10, flushInterval: 200 });
  ["error", "insertError", "unknown"].forEach((name) => stream.on(name, () => {}));
  const logger = pino(stream);
  for (const text of ["first", "second", "third"]) {
    logger.info(text);
    await pause(1500);
    refusing = false;
  }
  return came.join(", ");
};
sink.listen(0, "127.0.0.1", async () => {
  const [well, refused] = [await run(false), await run(true)];
  console.log("version: pino-elasticsearch", require("pino-elasticsearch/package.json").version);
  console.log("behaviour: after the refusal of the first line no other comes, though the server takes all again");
  console.log(`seen: without a refusal ${well}; with one ${refused}`);
  process.exit(well === "first, second, third" && refused === "first" ? 0 : 1);
});
setTimeout(() => process.exit(2), 50000);
JS
node run.cjs
