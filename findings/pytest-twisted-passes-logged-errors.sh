#!/usr/bin/env bash
# pytest-twisted passes a test whose code logged a failure, left a failed Deferred behind and left a timer running; Twisted's
# own trial fails the same test. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install pytest-twisted==1.14.3 pytest==9.2.0 Twisted==26.10.0 2>/dev/null
cd "$directory"
cat > acting.py <<'PYTHON'
from twisted.internet import reactor
from twisted.internet.defer import fail
from twisted.logger import Logger
from twisted.python.failure import Failure


def act(what):
    if what == "logged":
        Logger().failure("it went wrong", Failure(ValueError("logged")))
    elif what == "lost":
        fail(ValueError("lost"))
    else:
        reactor.callLater(30, print)
PYTHON
cat > test_with_pytest.py <<'PYTHON'
import pytest
import pytest_twisted

from acting import act


@pytest.mark.parametrize("what", ["logged", "lost", "timer"])
@pytest_twisted.ensureDeferred
async def test_it(what):
    act(what)
PYTHON
cat > test_with_trial.py <<'PYTHON'
from twisted.trial.unittest import TestCase

from acting import act


class Tests(TestCase):
    def test_logged(self):
        act("logged")

    def test_lost(self):
        act("lost")

    def test_timer(self):
        act("timer")
PYTHON
venv/bin/python -m pytest -q -p no:cacheprovider test_with_pytest.py > pytest.txt 2>&1 || true
venv/bin/python -m twisted.trial --temp-directory trial test_with_trial > trial.txt 2>&1 || true
ours=$(grep -oE '[0-9]+ passed' pytest.txt || true)
theirs=$(grep -oE 'errors=[0-9]+' trial.txt || true)
echo "version: pytest-twisted 1.14.3 with pytest 9.2.0 on Twisted 26.10.0"
echo "behaviour: a logged failure, a lost Deferred and a pending timer fail a test of trial's and none of pytest-twisted's"
echo "seen: pytest-twisted $ours, trial $theirs"
[ "$ours" = "3 passed" ] && [ "$theirs" = "errors=3" ]
