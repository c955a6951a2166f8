"""The server of the two-process form: ``twistd -y server.tac``. Options come from the environment (``PPL_…``)."""

from ppl.service import make_application

application = make_application("server")
