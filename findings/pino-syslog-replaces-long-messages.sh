#!/usr/bin/env bash
# pino-syslog in its RFC 3164 form ("modern": false, the text being JSON) sends no part of a message that makes a line longer
# than 1,024 bytes: a notice takes its place. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" pino-syslog@4.0.0
cat > config.json <<'JSON'
{"modern": false, "appname": "shop"}
JSON
for length in 100 2000; do
    node -e 'console.log(JSON.stringify({ level: 50, time: 1795996512000, pid: 7, hostname: "web-1",
        msg: "order " + "x".repeat(Number(process.argv[1])) }))' "$length" \
        | node "node_modules/pino-syslog/$(node -p 'Object.values(require("pino-syslog/package.json").bin)[0]')" \
            --config config.json > "out-$length" 2>/dev/null
done
short=$(grep -c xxxx out-100 || true)
long=$(grep -c xxxx out-2000 || true)
echo "version: pino-syslog $(node -p 'require("pino-syslog/package.json").version')"
echo "behaviour: a message beyond 1,024 bytes is not cut but left out; the line says only that it was too long"
echo "seen: of 100 characters the text is $([ "$short" = 1 ] && echo sent || echo left out); of 2,000:" \
    "$(cut -d: -f4- out-2000 | cut -c1-60)"
[ "$short" = 1 ] && [ "$long" = 0 ] && [ -s out-2000 ]
