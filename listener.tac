"""The listener of the two-process form: ``twistd -y listener.tac``. Options come from the environment (``PPL_…``)."""

from ppl.service import make_application

application = make_application("listener")
