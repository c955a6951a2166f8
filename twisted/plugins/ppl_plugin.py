"""The plugin for ``twistd ppl``: tells twistd which module makes the service."""

from twisted.application.service import ServiceMaker

ppl = ServiceMaker("Ppl", "ppl.service", "The log service you run yourself.", "ppl")
