#!/usr/bin/env bash
# Autobahn's maxMessagePayloadSize, the bound on what a client may send, also refuses what the server sends with sendMessage;
# sendPreparedMessage passes, and writes even after the closing handshake. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install autobahn==26.10.2 Twisted==26.10.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.testing import StringTransport

factory = WebSocketServerFactory(reactor=reactor)
factory.setProtocolOptions(maxMessagePayloadSize=100, serveFlashSocketPolicy=False)
factory.protocol = WebSocketServerProtocol
server = factory.buildProtocol(None)
transport = StringTransport()
transport.unregisterProducer = transport.loseConnection = lambda: None
server.makeConnection(transport)
server.dataReceived(
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
seen = {}


def written(act):
    transport.clear()
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return f"{len(transport.value())} octets"


def after_the_handshake():
    large = b"x" * 200
    prepared = factory.prepareMessage(large, isBinary=True)
    seen["sendMessage"] = written(lambda: server.sendMessage(large, isBinary=True))
    seen["sendPreparedMessage"] = written(lambda: server.sendPreparedMessage(prepared))
    # The client's Close, masked with zeros; the server answers and is closed then.
    server.dataReceived(b"\x88\x82\0\0\0\0\x03\xe8")
    seen["state"] = {0: "CLOSED", 2: "CLOSING"}.get(server.state, str(server.state))
    seen["sendMessage then"] = written(lambda: server.sendMessage(b"late"))
    seen["sendPreparedMessage then"] = written(lambda: server.sendPreparedMessage(prepared))
    reactor.stop()


reactor.callLater(0.2, after_the_handshake)
reactor.callLater(10, reactor.stop)
reactor.run()
print("version: autobahn", metadata.version("autobahn"), "on Twisted", metadata.version("Twisted"))
print("behaviour: the bound on received messages stops sendMessage, neither it nor the end of the connection stops"
      " sendPreparedMessage")
print("seen:", "; ".join(f"{name}: {what}" for name, what in seen.items()))
sys.exit(list(seen.values()) != ["PayloadExceededError", "204 octets", "CLOSED", "Disconnected", "204 octets"])
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
