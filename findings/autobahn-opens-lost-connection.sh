#!/usr/bin/env bash
# Autobahn's server calls onOpen for a client that left while an awaited onConnect had not answered yet.
# Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install autobahn==26.10.2 Twisted==26.10.0
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

seen = []
answer = Deferred()


class Server(WebSocketServerProtocol):
    async def onConnect(self, request):
        seen.append("onConnect")
        await answer

    def onOpen(self):
        seen.append("onOpen")

    def connectionLost(self, reason):
        super().connectionLost(reason)
        seen.append("connectionLost")
        # The check (a database, say) answers only now.
        reactor.callLater(0.1, answer.callback, None)
        reactor.callLater(0.5, self.report)

    def onClose(self, was_clean, code, reason):
        seen.append("onClose")

    def report(self):
        seen.append("state " + {0: "CLOSED", 3: "OPEN"}.get(self.state, str(self.state)))
        reactor.stop()


factory = WebSocketServerFactory()
factory.protocol = Server
port = reactor.listenTCP(0, factory, interface="127.0.0.1")


class Client(Protocol):
    def connectionMade(self):
        self.transport.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        task.deferLater(reactor, 0.2, self.transport.loseConnection)


connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), Client())
reactor.callLater(20, reactor.stop)
reactor.run()
print("version: autobahn", metadata.version("autobahn"), "on Twisted", metadata.version("Twisted"))
print("behaviour: onOpen is called after connectionLost and onClose, and the state is OPEN for good")
print("seen:", ", ".join(seen))
sys.exit(seen != ["onConnect", "onClose", "connectionLost", "onOpen", "state OPEN"])
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
