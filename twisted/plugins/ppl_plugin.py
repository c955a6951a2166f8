"""``twistd ppl``: tells twistd where the service is made."""

from twisted.application.service import ServiceMaker

ppl = ServiceMaker("Ppl", "ppl.service", "The log service you run yourself.", "ppl")
