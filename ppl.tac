"""Ppl in one process: ``twistd -y ppl.tac``. Options come from the environment (``PPL_…``)."""

from ppl.service import make_application

application = make_application("all")
