"""The page's snippets, taken from the page and run by the real programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.looking import until_shown
from tests.fixtures.running import PplProcess
from tests.peers.programs import missing, program

pytestmark = [pytest.mark.browser, pytest.mark.peer]


def snippet(page: Page, name: str) -> str:
    """The configuration that the page shows for a sender, without the comment and the commands to type."""
    page.get_by_role("tab", name=name, exact=True).click()
    lines = page.locator("#snippet pre").inner_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith(("#", "$")))


def run_and_write(command: list[str], directory: Path, file: Path, seen: Callable[[], None]) -> None:
    """Run a sender that follows ``file``, write a line to it, and wait until it is ``seen``."""
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        with file.open("a") as log:
            log.write("hello from the snippet\n")
        seen()
    finally:
        process.terminate()
        process.wait(20)


def test_the_rsyslog_snippet_works(ppl_process: PplProcess, open_page: OpenPage, short_directory: Path) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    file = short_directory / "in.log"
    file.touch()
    configuration = short_directory / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{short_directory}")\nmodule(load="imfile" mode="inotify")\n'
        f'input(type="imfile" File="{file}" Tag="app:")\n{snippet(page, "rsyslog")}\n'
    )
    command = [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(short_directory / "pid")]
    run_and_write(command, short_directory, file, lambda: until_shown(page, "hello from the snippet"))


def test_the_syslog_ng_snippet_works(ppl_process: PplProcess, open_page: OpenPage, short_directory: Path) -> None:
    root = os.environ.get("PPL_TEST_SYSLOG_NG")
    if root is None:
        missing("syslog-ng")
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    libraries = Path(str(root)) / "usr/lib/syslog-ng"
    (modules,) = {path.parent for path in libraries.rglob("libafsocket.so")}
    file = short_directory / "in.log"
    file.touch()
    configuration = short_directory / "syslog-ng.conf"
    configuration.write_text(
        f"@version: {modules.name}\n"
        f'source s_src {{ file("{file}" follow-freq(0.1) flags(no-parse)); }};\n{snippet(page, "syslog-ng")}\n'
    )
    command = [
        "env", f"LD_LIBRARY_PATH={libraries}", f"{root}/usr/sbin/syslog-ng", "-F", "--no-caps",
        f"--module-path={modules}", "-f", str(configuration), "-R", str(short_directory / "persist"),
        "-p", str(short_directory / "pid"), "-c", str(short_directory / "control"),
    ]  # fmt: skip
    run_and_write(command, short_directory, file, lambda: until_shown(page, "hello from the snippet"))
