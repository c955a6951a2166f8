"""Runs a program as the leader of a new session, as another user when told: a script that imports nothing of Ppl.

``python -I -S detach.py USER_ID GROUP_ID PARENT DIRECTORY PROGRAM ARGUMENT…`` enters DIRECTORY and becomes PROGRAM.
A user id of ``-`` keeps the user. :mod:`ppl.store.embedded.programs` starts PostgreSQL's programs through it: a
terminal's Ctrl-C goes to the foreground process group and must not reach PostgreSQL before Ppl has written its queue.
"""

import ctypes
import os
import signal
import sys

DIRECTORY_CLOSED, PROGRAM_CLOSED = 71, 72
_PR_SET_PDEATHSIG = 1


def main(user: str, group: str, parent: str, directory: str, program: str, *arguments: str) -> None:
    """Become ``program``; see the module.

    Exits with ``DIRECTORY_CLOSED`` or ``PROGRAM_CLOSED`` if the user may not use the directory or run the program.
    """
    os.setsid()
    if user != "-":
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    os.umask(0o077)
    try:
        os.chdir(directory)
        if not os.access(".", os.R_OK | os.W_OK | os.X_OK):
            sys.exit(DIRECTORY_CLOSED)
    except OSError:
        sys.exit(DIRECTORY_CLOSED)
    try:
        # PostgreSQL shuts down fast when Ppl is killed. Linux clears this setting at setuid, so it comes after.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    except (OSError, AttributeError) as error:
        print(f"PostgreSQL would outlive a killed Ppl: {error}", file=sys.stderr)
    if os.getppid() != int(parent):
        sys.exit("Ppl has ended")
    try:
        os.execv(program, [program, *arguments])  # noqa: S606  (no shell is the point)
    except OSError:
        sys.exit(PROGRAM_CLOSED)


if __name__ == "__main__":
    main(*sys.argv[1:])
