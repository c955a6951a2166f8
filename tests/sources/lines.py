"""Lines for the tests of parsing: as rows, and strategies that make and mutate them."""

from __future__ import annotations

import calendar
from typing import Any

from hypothesis import strategies as st

from ppl.model import Lines
from ppl.sources.framing import Framer
from ppl.sources.message import parse_message

#: 2026-11-24T12:00:00Z, when everything here is received.
RECEIVED = calendar.timegm((2026, 11, 24, 12, 0, 0)) * 1_000_000
COLUMNS = (
    "created_at", "facility", "severity", "hostname", "file_name", "procid", "msgid", "structured_data", "message",
)  # fmt: skip


def rows(lines: Lines) -> list[tuple[Any, ...]]:
    """The columns as rows; fails when they differ in length."""
    return list(zip(*(getattr(lines, name) for name in COLUMNS), strict=True))


def parse_bytes(data: bytes, limit: int = 100_000) -> list[tuple[Any, ...]]:
    """The rows from a connection that sends ``data`` and ends."""
    framer = Framer(limit)
    return rows(parse_message(framer.feed(data), RECEIVED)) + rows(parse_message(framer.finish(), RECEIVED))


def micros(*moment: int, micro: int = 0) -> int:
    """A UTC time as µs."""
    return calendar.timegm(moment) * 1_000_000 + micro


ODD = [
    "",
    " ",
    "-",
    "\u2028",
    "\x85",
    "\x0b",
    "\x0c",
    "\x1c",
    "\r",
    "\0",
    "\ufeff",
    "]",
    '"',
    "\\",
    "[",
    "<13>",
    "é",
    "🎉",
    "1 ",
]

words = st.text(st.characters(exclude_characters=" \n", exclude_categories=["Cs"]), min_size=1, max_size=8)
texts = st.lists(st.one_of(st.sampled_from(ODD), words), max_size=6).map(" ".join)
timestamps = st.one_of(
    st.just("-"),
    st.builds(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format,
        st.integers(1980, 2030),
        st.integers(0, 13),
        st.integers(0, 32),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 62),
        st.sampled_from(["", ".1", ".123", ".123456", ".123456789", ",5", "."]),
        st.sampled_from(["Z", "+02:00", "-11:30", "+99:99", "", "+0200", "z"]),
    ),
    st.sampled_from(["Oct 11 22:14:15", "Feb 30 00:00:00", "Jan  1 00:00:00", "Nov 24 2026 11:00:00"]),
)
fields = st.one_of(st.just("-"), words)
elements = st.one_of(
    st.just("-"),
    st.sampled_from(
        ["[token@41058]", '[a b="c"]', '[a b="\\"]"][d]', '[timeQuality tzKnown="1"]', "[", "[]", '[a b="]', "-x"]
    ),
)
rfc5424 = st.builds(
    "<{}>1 {} {} {} {} {} {}{}".format,
    st.integers(0, 200),
    timestamps,
    fields,
    fields,
    fields,
    fields,
    elements,
    st.one_of(st.just(""), texts.map(lambda text: " " + text)),
)
rfc3164 = st.builds(
    "{}{}{} {}{} {}".format,
    st.one_of(st.just(""), st.integers(0, 200).map("<{}>".format)),
    st.sampled_from(["", "123: ", "host: *"]),
    timestamps,
    st.one_of(st.just(""), words.map("{} ".format)),
    st.one_of(words, words.map("{}:".format), words.map("{}[12]:".format)),
    texts,
)
mutated = st.builds(
    lambda line, at, what: line[: at % (len(line) + 1)] + what + line[at % (len(line) + 1) :],
    st.one_of(rfc5424, rfc3164),
    st.integers(0, 200),
    st.sampled_from(ODD),
)
# What stands after the time of RFC 3164, and near misses: zones, years, levels, vendors' words.
heads = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "web-7", "vm", "192.0.2.7", "2001:db8::7", "fe80::1%eth0", "[192.0.2.7]", "Router", "CET", "UTC:", "am",
                "PM", "2026", "2026:", "2024", "+0100", "z", "Z", "-", ":", "fw-1 :", "ERROR", "LOG:",
                "<authpriv.info>", "app:", "app[7]:", "app[7]", "My::App:", "a b[1]:", "CRON:", "CEF:0|a",
                "myapp:{}", "last message repeated", "system,info", "%ASA-6-302013:", "*Nov", "42:", "x,y:", "failed:",
                "Severity: a, B:", "http://x:", "12:00:", "app :", "app - -", "web-7 app 12 - -", "host(192.0.2.7)",
                "from", "web-7 Nov 24 11:00:00", "192.0.2.7 GET /", "W3SVC1 192.0.2.7 GET /",
            ]
        ),
        words,
    ),
    min_size=1,
    max_size=4,
).map(" ".join)  # fmt: skip
stamps = st.one_of(
    timestamps,
    st.sampled_from(
        [
            "Nov 24 11:00:00", "Nov 24 2026 11:00:00", "Nov 24 11:00:00.123", "Nov 24 11:00:00,5", "nov 24 1:00:00",
            "2026 Nov 24 11:00:00", "Mon Nov 24 11:00:00 2026", "24 Nov 2026 11:00:00", "2026/11/24 11:00:00",
            "2026:11:24-11:00:00", "11/24/2026:11:00:00", "24.11.2026 11:00:00", "1795518000.5", "1795518000",
            "26/11/24 11:00:00", "24-11-26 11:00:00", "261124 11:00:00", "24-Nov-26 11:00:00",
            "nov/24/2026 11:00:00", "24/11/2026 -- 11:00:00", '{"time":"2026-11-24T11:00:00Z"}', '{"t":1795518000}',
            'date=2026-11-24 time=11:00:00 devname="fw-1"',
            "20261124T110000Z", "20261124110000", "2026-11-24-11.00.00.123456+060", "2026-11-24 11:00", "Nov 24 11:00",
            "11-24 11:00:00.123", "1.795518e+09", "2026-11-24 11:00:00:123", "2026-11-24T11:00:00+01:00[Europe/Berlin]",
            '{"a":{"time":1},"time":"2026-11-24T11:00:00Z"}', '{"x":"]","Timestamp":"2026-11-24T11:00:00Z"}',
            "20261124T110000", "2026-11-24 11:00:00,123", "2026-11-24T11:00:00+01", "Nov 24 11:00:00:123",
        ]
    ),
)  # fmt: skip
vendors = st.builds(
    "{}{}{}{} {}".format,
    st.sampled_from(
        ["<13>", "<189>", "<13> ", "<13>1 ", "<189>: ", "<189>42: ", "<189>host: ", "<189>*", "", "1 ", "["]
    ),
    stamps,
    st.sampled_from(["", " ", "  ", ": ", " : ", "\t", " CET ", " UTC: ", " +0100 ", "+01:00 ", " 2026 "]),
    heads,
    texts,
)
#: A line and the words that must be found in it: what stands behind PRI and time, but for zones, years and the like.
told = st.builds(
    lambda start, stamp, between, head, text: (
        f"{start}{stamp}{between}{head} {text}".replace("\n", ""),
        f"{head} {text}",
    ),
    st.sampled_from(["<13>", "<13> ", "<189>: ", "<189>42: ", "<189>host: ", "<189>*", "", "<13>1 "]),
    stamps,
    st.sampled_from([" ", "  ", ": ", " : "]),
    heads,
    texts,
)
# The forms that one regular expression takes at once, and near misses.
_names = st.one_of(
    st.sampled_from(
        [
            "web-7", "vm", "FW", "Router", "192.0.2.7", "U7PG2,788a2056b182,v4.0.66", "2026", "IST", "Europe/Berlin",
            "0-PPE-0", "web+7", "Message", "ERROR", "app", "daemon.info", "%ASA-6-302013", "My::App", "Severity",
            "0/RP0/CPU0",
        ]
    ),
    words,
)  # fmt: skip
_times = st.sampled_from(
    ["Nov 24 11:00:00", "Nov 24 2026 11:00:00", "Feb 30 11:00:00", "Nov 24 11:00:00.5", "2026-11-24T11:00:00.25Z"]
)
shaped = st.one_of(
    st.builds(
        "{}{} {}{}{}{}".format,
        st.sampled_from(["<13>", "<189>", "<13> ", ""]),
        _times,
        _names,
        st.sampled_from([" ", ": ", " : ", " : %A-1-B: ", ", ", "  "]),
        st.one_of(
            _names.map("{}: ".format),
            _names.map("{}[7]: ".format),
            st.sampled_from(["1,", "12,a,b ", "a=b ", "a=b (", "1,a:", "1,[", "1,a - ", "date=2026 time=11:00:00 "]),
        ),
        texts,
    ),
    st.builds(
        "<189>{}: {}: {}{}: {}: {}".format,
        st.sampled_from(["7", "1795518000", "2026", "a", "000000"]),
        _names,
        st.sampled_from(["", "*", ".", "-"]),
        _times,
        st.one_of(st.sampled_from(["%SYS-5-CONFIG_I", "%A", "%A-1-", "%a-1-B", "app"]), _names),
        texts,
    ),
    st.builds(
        "{}{} {}{}{}{}".format,
        st.sampled_from(["", "", "", "<13>", "1 "]),
        st.sampled_from(
            [
                "2026-11-24 11:00:00,123", "2026-11-24T11:00:00Z", "2026-11-24 11:00:00", "2026-11-31 11:00:00.5",
                "2026-11-24T11:00:00.123456+01:00", "2026-10-25 02:30:00", "2036-11-24 11:00:00",
            ]
        ),
        st.sampled_from(["INFO", "ERROR", " WARN", "WARNING", "FATAL", "CRITICAL", "LOG", "INFO:", "Error"]),
        st.sampled_from([" ", "  ", "\t", "", " ["]),
        st.one_of(*[_names.map(form.format) for form in ("{}: ", "{}[7]: ", "{}  [7]: ", "{}")], words),
        texts,
    ),
    st.builds(
        "{}{} {} {} [{}] {}".format,
        st.sampled_from(["", "", "", "<13>", "1 "]),
        st.sampled_from(["192.0.2.7", "10.11.2026", "26.11.24", "999.999.999.999", "web-7", "::1", "192.0.2.7:80"]),
        st.one_of(st.sampled_from(["-", "web-7", "Nov"]), words),
        st.one_of(st.sampled_from(["-", "kim", "24"]), words),
        st.sampled_from(
            [
                "24/Nov/2026:11:00:00 +0100", "24/Nov/2026:11:00:00 +0100", "31/Nov/2026:11:00:00 +0100",
                "24/Xyz/2026:11:00:00 +0100", "24/Nov/2026:11:00:00", "24/Nov/2026 11:00:00",
                "24/Nov/2036:11:00:00 -0900",
            ]
        ),
        texts,
    ),
    st.sampled_from(['{"level":50}', '{"a":"ERROR"}', "{", "{level=warn"]),
)  # fmt: skip
any_line = st.one_of(rfc5424, rfc3164, mutated, vendors, vendors, texts, shaped, shaped).map(
    lambda line: line.replace("\n", "")
)

# Lines of JSON, as all lines of a read.
objects = st.builds(
    '{{"{}":{},"{}":{}{}'.format,
    st.sampled_from(["level", "time", "a", "log", "Timestamp", "version", "t"]),
    st.sampled_from(
        [
            "30",
            '"warn"',
            '"2026-11-24T11:00:00Z"',
            "1795518000123",
            '{"level":"warn"}',
            '{"$date":"2026"}',
            '"1.1"',
            "[",
        ]
    ),
    st.sampled_from(["ts", "short_message", "levelname", "datetime", "instant"]),
    st.sampled_from(["1795518000", '"x"', '"ERROR"', '"2026-11-24 11:00:00,123"', '{"epochSecond":1795518000}', "}"]),
    st.sampled_from(["}", ',"host":"h"}', "}}", " }", "", "\r"]),
)

# Lines that the quickest path takes if all lines of a read are such, and near misses.
uniform = st.builds(
    "<{}>1 2026-11-{:02}T{:02}:{:02}:{:02}.{:06}{} {} {} {} {} - {}".format,
    st.integers(0, 191),
    st.integers(1, 26),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 60),
    st.integers(0, 999_999),
    st.sampled_from(["+02:00", "-11:30"]),
    fields,
    fields,
    fields,
    fields,
    texts,
)
nearly_uniform = st.one_of(
    uniform,
    uniform,
    uniform,
    st.builds(
        lambda line, at, what: line[: at % 80] + what + line[at % 80 + len(what) :],
        uniform,
        st.integers(0, 79),
        st.sampled_from([*ODD, "+", "_1", "x", "x" * 255, "٣"]),
    ),
).map(lambda line: line.replace("\n", ""))

# Several lines with one PRI and few headers that differ beyond their time, and near misses.
same_program = st.builds(
    lambda pri, zone, headers, lines: [
        f"<{pri}>1 2026-11-{day:02}T12:00:{second:02}.{micro}{zone} {headers[which % len(headers)]} {text}".replace(
            "\n", ""
        )
        for day, second, micro, which, text in lines
    ],
    st.integers(0, 191),
    st.sampled_from([*["Z", "+02:00", "-11:30"] * 5, "+24:00", "-00:60", "", "z", "+0200", "Z Z"]),
    st.lists(
        st.one_of(
            st.builds("{} {} {} {} {}".format, fields, fields, fields, fields, elements),
            st.builds("{} {} - - -".format, words, words),
            st.builds("{} {} 12 - -".format, words, words),
            st.builds("{} {} 12 id -".format, words, words),
            st.sampled_from(
                ["h a - -", "h a - - - -", "h  - - - ", "h a - id -", "- - - - -", "h a", "x" * 256 + " a - - -"]
            ),
        ),
        min_size=1,
        max_size=2,
    ),
    st.lists(
        st.tuples(
            st.one_of(*[st.integers(1, 24)] * 9, st.integers(1, 31)),
            st.one_of(*[st.integers(0, 60)] * 9, st.integers(0, 62)),
            st.one_of(
                *[st.integers(0, 999_999).map("{:06}".format)] * 9,
                st.sampled_from(["12345", "1234567", "12345٣", "+12345"]),
            ),
            st.integers(0, 1),
            st.one_of(texts, texts, st.sampled_from(["- - - x", " - - - x", "\ufeff- x", "a - - - b"])),
        ),
        min_size=1,
        max_size=4,
    ),
)
