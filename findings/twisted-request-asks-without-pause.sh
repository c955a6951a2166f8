#!/usr/bin/env bash
# A pull producer that is registered with a request of twisted.web is asked for more in every turn of the reactor, however
# long it has nothing: the reactor never waits. A push producer is left alone. Runs without Ppl; needs python3 with venv
# and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install Twisted==26.10.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import socket
import sys

from twisted.internet import reactor
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

SECONDS = 1.0


@implementer(IPullProducer, IPushProducer)
class Nothing:
    """Has nothing to send for a second, and then ends the response."""

    def __init__(self, request, is_push):
        self.request, self.asked = request, 0
        request.registerProducer(self, is_push)
        reactor.callLater(SECONDS, self.end)

    def resumeProducing(self):
        self.asked += 1

    def pauseProducing(self):
        pass

    def stopProducing(self):
        pass

    def end(self):
        self.request.unregisterProducer()
        self.request.finish()
        seen.append(self.asked)


class Answer(Resource):
    isLeaf = True

    def render_GET(self, request):
        Nothing(request, request.path == b"/push")
        return NOT_DONE_YET


seen = []
port = reactor.listenTCP(0, Site(Answer()), interface="127.0.0.1")
clients = []


def ask(path):
    clients.append(socket.create_connection(("127.0.0.1", port.getHost().port)))
    clients[-1].sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


ask(b"/pull")
reactor.callLater(SECONDS + 1, ask, b"/push")
reactor.callLater(2 * SECONDS + 2, reactor.stop)
reactor.run()
pulled, pushed = seen
print("version: Twisted", metadata.version("Twisted"))
print("behaviour: a pull producer of a request that has nothing to send is asked again and again, in every turn of the"
      " reactor, which never waits; a push producer is not asked")
print("seen: within a second without data, asked more than 1,000 times:", pulled > 1000, "(pull),", pushed > 1000, "(push)")
sys.exit(not (pulled > 1000 and pushed == 0))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
