"""Several clients, their senders and viewers, and random faults: a test driver that a seed determines.

:mod:`.scene` chooses the clients (:mod:`.senders`, :mod:`.viewers`, :mod:`.giving_up`), :mod:`.faults` defines the
faults, :mod:`.driving` lets them happen and waits after each until every client has recovered (:mod:`.settling`),
:mod:`.checking` compares what was promised and seen with what is stored.
"""
