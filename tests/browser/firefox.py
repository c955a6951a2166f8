"""Debian's Firefox, headless, driven by Mozilla's Marionette, since Playwright drives only its own build of Firefox."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.programs import end, program
from tests.fixtures.running import PplProcess, Registered, eventually, free_ports

marionette = pytest.importorskip("marionette_driver.marionette", reason="Marionette's client needs Python below 3.13")


class Firefox:
    """A window of Firefox."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def open(self, ppl: PplProcess, who: Registered) -> None:
        """Open the viewer of an account."""
        self._session.navigate(ppl.url + "/login")
        self._session.delete_all_cookies()
        for name, value in who.cookies.items():
            self._session.add_cookie({"name": name, "value": value, "path": "/"})
        self._session.navigate(ppl.url + "/")

    def evaluate(self, expression: str, *arguments: Any) -> Any:
        """The value of a JavaScript expression, with ``arguments``."""
        return self._session.execute_script(f"return {expression}", script_args=list(arguments))

    def wheel(self, pixels: int) -> None:
        """Turn the wheel over the middle of the log."""
        wheel = marionette.ActionSequence(self._session, "wheel", "wheel")
        wheel.scroll(600, 400, 0, pixels).perform()

    def press(self, key: str) -> None:
        """Press a key of one character."""
        keys = marionette.ActionSequence(self._session, "key", "keyboard")
        keys.key_down(key).key_up(key).perform()

    def shown(self) -> list[str]:
        """The messages in the list, from top to bottom."""
        found: list[str] = self.evaluate(
            "[...document.querySelectorAll('#log .message')].map(each => each.textContent)"
        )
        return found

    def until_shown(self, text: str) -> None:
        """Wait until the last message is ``text``."""
        eventually(lambda: self.shown()[-1:] == [text], f"the last line {text!r}")

    def until_state(self, text: str) -> None:
        """Wait until the status line contains ``text``."""
        said = "document.querySelector('#status .state .text').textContent"
        eventually(lambda: text in self.evaluate(said), f"the state {text!r}")

    def place_of(self, message: str) -> float:
        """The vertical place of the row with that message, in pixels."""
        place: float = self.evaluate(
            "[...document.querySelectorAll('#log .row')].find(row => row.querySelector('.message').textContent"
            " === arguments[0]).getBoundingClientRect().top",
            message,
        )
        return place

    def first_in_sight(self) -> str:
        """The message at the upper edge of the log, once a row is drawn there."""
        at_the_edge = (
            "(() => { const box = document.getElementById('log').getBoundingClientRect();"
            " return document.elementFromPoint(box.left + 300, box.top + 60)?.closest('.row')"
            "?.querySelector('.message').textContent })()"
        )
        message: str = eventually(lambda: self.evaluate(at_the_edge), "a row at the upper edge")
        return message


@contextmanager
def running_firefox(directory: Path) -> Iterator[Firefox]:
    """Firefox with a profile in ``directory``; if it is not installed, the test is skipped, or fails under CI."""
    (port,) = free_ports(1)
    (directory / "user.js").write_text(
        f'user_pref("marionette.port", {port});\n'
        'user_pref("general.smoothScroll", false);\n'
        'user_pref("app.normandy.enabled", false);\n'
        'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
    )
    arguments = [program("firefox-esr"), "--headless", "--marionette", "--no-remote", "--profile", str(directory)]
    environment = {**os.environ, "HOME": str(directory), "MOZ_HEADLESS_WIDTH": "1280", "MOZ_HEADLESS_HEIGHT": "800"}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*arguments, "about:blank"], env=environment, stdout=log, stderr=log)
    session = marionette.Marionette(host="127.0.0.1", port=port)
    try:
        session.raise_for_port(timeout=60)
        session.start_session()
        session.set_window_rect(width=1280, height=800)
        yield Firefox(session)
        session.delete_session()
    finally:
        end(process)
