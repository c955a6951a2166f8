"""Lines of sixteen kinds of programs and devices, interleaved as a busy site sends them through one relay."""

from __future__ import annotations

import itertools
import random
import time

#: One line of each kind; ``%`` fills in a number and a word of its own.
_KINDS = (
    '<134>{rfc3339} web-{host:02} nginx[{pid}]: 192.0.2.{host} - - "GET /orders/{n} HTTP/1.1" 200 {n} "-" "curl/8"',
    "<13>1 {rfc3339} web-{host:02} orders.log - - - order {n} of user {word} accepted in {pid} ms",
    "<30>{bsd} db-{host:02} postgres[{pid}]: [{n}-1] LOG:  duration: {n}.123 ms  statement: SELECT {word}",
    "<38>{bsd} bastion sshd[{pid}]: Accepted publickey for {word} from 192.0.2.{host} port {pid} ssh2",
    "<22>{bsd} mail-1 postfix/smtp[{pid}]: {n:011X}: to=<{word}@example.com>, relay=mx1, status=sent (250 Ok)",
    "<78>{bsd} web-{host:02} CRON[{pid}]: (root) CMD (/usr/local/bin/{word} --id {n})",
    "<6>{bsd} web-{host:02} kernel: [{n}.{pid}] device eth{host} entered promiscuous mode {word}",
    '<165>1 {rfc3339} app-{host:02} billing {pid} ID{host} [request@32473 id="{n}" user="{word}"] invoice {n} paid',
    "<189>{pid}: core-sw{host}: *{bsd}.123: %LINK-3-UPDOWN: Interface Gi1/0/{host}, changed state to {word}",
    "<166>{bsdyear} fw-{host} : %ASA-6-302013: Built inbound TCP connection {n} for outside:192.0.2.{host}/{pid}",
    "<14>{bsd} pa-edge 1,{n},TRAFFIC,end,{pid},{word},allow",
    "<30>{bsd} U7PG2,788a2056b1{host:02},v4.0.66.10832: hostapd[{pid}]: ath0: STA {word} associated {n}",
    '<30>1 {rfc3339} node-{host} shop/{word} {pid} shop/{word} - {{"level":"info","msg":"cart {n}"}}',
    "<29>{bsd} rtr-{host} rpd[{pid}]: bgp_recv: peer 192.0.2.{host} (External AS {n}): {word}",
    "{iso},{pid:03} ERROR com.example.{word}: could not load {n}",
    '{{"level":30,"time":{n},"pid":{pid},"hostname":"web-{host}","msg":"{word} done"}}',
)
_WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")


def mixed_lines(count: int) -> bytes:
    """``count`` lines of all kinds, each different, with times of the last minute."""
    draw = random.Random(1)
    kinds = itertools.cycle(_KINDS)
    now = time.time()
    texts = []
    for number in range(count):
        moment = time.gmtime(now - 60 + number * 60 / count)
        texts.append(
            next(kinds).format(
                rfc3339=time.strftime(f"%Y-%m-%dT%H:%M:%S.{number % 1_000_000:06}Z", moment),
                iso=time.strftime("%Y-%m-%d %H:%M:%S", moment),
                bsd=time.strftime("%b %d %H:%M:%S", moment).replace(" 0", "  ", 1),
                bsdyear=time.strftime("%b %d %Y %H:%M:%S", moment),
                host=draw.randrange(1, 16),
                pid=draw.randrange(100, 900),
                n=10_000_000 + number,
                word=draw.choice(_WORDS),
            )
        )
    draw.shuffle(texts)
    return "\n".join(texts).encode() + b"\n"
