"""Several clients, their senders and viewers, and faults at random: a driver that a seed determines.

:mod:`.scene` casts who is there (:mod:`.senders`, :mod:`.viewers`, :mod:`.giving_up`), :mod:`.faults` says what may
happen, :mod:`.driving` lets it happen and waits after each fault until everybody gets on (:mod:`.settling`),
:mod:`.checking` compares what was promised and seen with what is stored.
"""
