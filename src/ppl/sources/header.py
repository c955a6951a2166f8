"""Finds HOSTNAME and TAG (RFC 3164 section 4.1) after the time of a line, as real senders write them.

:func:`read_header` tries the known forms in turn at a position behind the time. What a field takes leaves the text.
Where other words stand between the host and the tag, the text keeps them together with the tag: nothing is lost.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from ppl.model import FACILITY_WORDS
from ppl.sources.levels import LEVELS
from ppl.sources.timestamp import ZONE_HOURS


class Header(NamedTuple):
    """What a header names: HOSTNAME, the name in TAG, what stands in brackets after it, and where the text begins."""

    hostname: str
    program: str
    procid: str
    end: int


class Tag(NamedTuple):
    """A TAG: the name, what stands in brackets after it, and where the text begins."""

    program: str
    procid: str
    end: int


# A name and brackets. Names hold colons (My::App), but neither quotes nor what JSON and key=value are made of.
_NAME = r"[^\s\[\]\"'{}=|;]{1,255}"
_BRACKETS = re.compile(rf"({_NAME}+)\[(?:([^\[\]\s]{{0,255}})\](?: : |:? ?)|([^\[\]\n]{{1,80}})\]: ?)")
# A name and a colon; Erlang writes its process between.
_COLON = re.compile(rf"({_NAME.replace('{1,', '{2,')}+)(?<=[^:]:)(?:[ \t]|\Z)")
# fail2ban fills the name up with blanks.
_PADDED = re.compile(r"([A-Za-z][\w.\-]{1,60}) {2,20}\[([0-9]{1,10})\]: ")
_ERLANG = re.compile(r"(.+)<([0-9.]{3,20})>")
# RFC 3164 lets any other character end a tag: rsyslog's ident:%msg%.
_CLOSE = re.compile(r"([A-Za-z][\w.\-]{0,100}):(?=[{\[\"'(A-Za-z])")
_FORMATS = re.compile(
    # ArcSight's and QRadar's formats, Cisco ISE, Snare: names that a reader of the text needs as well.
    r"(CEF|LEEF):(?=[0-9])|(CISE_\w{1,60}) |(MSWinEventLog)(?=[\t ])"
)
_HUAWEI = re.compile(r"(%%[0-9]{2}\w{1,60}/[0-7]/\w{1,60}(?:\(\w\))?): ?")
_HUAWEI_SHORT = re.compile(r"([A-Z][A-Z0-9_]{1,30}/[0-7]/[A-Z]\w{1,60}(?:\(\w\))?):(?=\S)")
_MNEMONIC = re.compile(r"(%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)*[0-7]-\w{1,60}) ")
# MikroTik's topics, of which one is a level; HPE's iLO.
_TOPICS = re.compile(r"([a-z0-9\-]{2,20}(?:,[a-z0-9\-]{2,20}){1,5}) |(#\w{1,20} [0-9]{1,2}): ")
_FORMATS_BEGIN, _TOPICS_BEGIN = frozenset("CLM"), frozenset("#abcdefghijklmnopqrstuvwxyz")
_DASH = re.compile(r"([A-Za-z][\w.]{0,60}) - ")
# What Cisco's and Dell's devices write before a mnemonic: a virtual device, a unit of a stack, the sensor's service.
_BEFORE_MNEMONIC = re.compile(r"%\$ \S{1,60} %\$ +|%[A-Z0-9]{2,30}-\w{1,10}:\w{1,10} +(?=%)|SFIMS ?: *(?=%)")
# ONTAP's node and event, a level behind them.
_OF_ONTAP = re.compile(
    r"\[([\w.\-]{1,60}): ?([a-z][\w.\-]{1,80}):(?:emergency|alert|critical|error|warning|notice|info|debug)\]: "
)
# Log4j's thread, between a level and a logger.
_THREAD = re.compile(r"\[[^\]\n]{1,80}\] {1,4}(?=[A-Za-z][\w$]*\.)")
# Android's logcat: numbers of the process and a thread, before them perhaps the user's, and a letter; HDFS: a number
# and a level.
_BEHIND_NUMBERS = re.compile(
    r"(?:(?:[0-9]{1,7} {1,8})?([0-9]{1,7}) {1,8}[0-9]{1,7} [VDIWEF] (\S{1,60}?(?: \S{1,30})?) {0,20}: "
    r"|[0-9]{1,10} (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) ([A-Za-z][\w.$]{1,100}): )"
)
#: Logcat's brief form.
LOGCAT_BRIEF = re.compile(r"[VDIWEF]/([^\s()]{1,60}) {0,8}\( {0,6}([0-9]{1,7})\): ")
# Words between: a serial number and a time (WatchGuard), a level (F5), a hop's address, a second word of the name.
_BETWEEN = re.compile(r"\S{1,40} \([0-9T:. \-]{10,40}\) ")
_TWO_WORDS = re.compile(r"([A-Za-z][\w.\-]{0,60} [A-Za-z][\w.\-]{0,60})\[([0-9]{1,10})\]: ?")
# A serial number, or another name of the device.
_SECOND_NAME = re.compile(r"(?=\w)(?=[\w.\-]*[0-9\-])[\w.\-]{1,60} ([A-Za-z][\w.\-/]{0,60})\[([0-9]{1,10})\]: ")
_BEFORE_BLANK_AND_COLON = re.compile(r"([a-z][\w.\-/]{1,60}) : ")
_SPACED = re.compile(r"([A-Za-z][\w.\-]{1,60}) \[([0-9]{1,10})\]: ")
# Axis fills the level up with blanks.
_LEVEL_IN_BRACKETS = re.compile(r"\[ ?([A-Za-z]{3,9}) {1,8}\] ")
_LEVEL_AND_TAG = re.compile(r"([A-Z]{3,9}|[a-z]{3,9}) +(?=[A-Za-z])")
_WORD = re.compile(r"\S+")
_BLANKS = re.compile(r"[ \t]*")
_DEVICE = re.compile(r"([\w.\-]{1,255}) ?: ?(?=%[A-Z$])")
_SIMPLE = re.compile(r"[\w.\-]+")

_HOST = re.compile(
    r"[^\W_](?:[\w.\-]|[+~!#](?=[\w.\-]))*+(?:[,/@][\w.\-+]++)*(?::[0-9]{1,5})?(?:%\w{1,15})?"
    r"|_[\w.\-]+(?:@[\w.\-/]+)?"
    # D-Link's address, Isilon's node.
    r"|[\w.\-]+\((?:id[0-9]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})\)"
)
# UniFi's older access points: ("U7LT,788a2056b182,v3.9.27.8537").
_QUOTED_HOST = re.compile(r"\(\"([\w.\-+]{1,60}(?:,[\w.\-+]{1,60}){1,3})\"\) ")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{3,45}(?:%\w{1,15})?)\](?=[ \t])")
_DOTTED = re.compile(r"(?:[0-9]{1,3}\.){3,5}[0-9]{1,3}")
_NUMBER = re.compile(r"[0-9:.,/+\-#]+")
_PRI = re.compile(r"<[0-9]{1,3}>")
# A host of digits and hyphens (RFC 1123 section 2.1), where a tag follows.
_DIGIT_HOST = re.compile(r"[0-9]+(?:-[0-9]+)*")
# Go's place in the source, and what PostgreSQL writes of a connection.
# ESXi's kernel writes a processor and a world; Laminas's loggers a number.
_PLACE = re.compile(r".*\.[a-z]{1,4}:[0-9]+(?::[0-9]+)?|[0-9].*[(:].*|cpu[0-9]{1,3}:[0-9].*|\([0-9]{1,5}\)")
_FORWARDED = re.compile(r"Message forwarded from ([^\s:]{1,255}): ")
# What syslogd says itself, without a host.
_OF_SYSLOGD = re.compile(
    r"(?:-+ ?)?(?:last |above )?message (?:repeat|buffered)|-+ MARK -+|syslogd [0-9.]{1,20}(?:#[0-9]{1,5})?: "
)
# What firewalls write behind their names, in a file: pairs, or PAN-OS's commas; and the number of z/OS's job.
_OF_FIREWALL = re.compile(
    r"(?:JOB|STC|TSU)[0-9]{5} |[JST][0-9]{7} "
    r"|date=[0-9]{4}-|id=(?:firewall |\S{1,60} {1,4}sn=)|\[[A-Z0-9_\-]{3,60}\] DESCR=|[0-9],[0-9]{4}/[0-9]{2}/[0-9]{2} "
)
# Dell's iDRAC and others: a list of "Key: value, Key: value" is no tag and text.
_LIST = re.compile(r"[A-Z][a-z]+: [^:,]{1,60}, [A-Z][A-Za-z]+: ")
# AIX names two facilities that share a number, and writes a colon.
_FACILITY_LEVEL = re.compile(r"<?([a-z0-9]+)(?:\|[a-z0-9]+)?[.:]([a-z]+)>?", re.IGNORECASE)
# ESXi 8 writes two letters of the level and the PRI's number.
_LETTERS_AND_PRI = re.compile(r"([A-Z][a-z])\((1?[0-9]{1,2})\)")
_TWO_LETTERS = {"Em": 0, "Al": 1, "Cr": 2, "Er": 3, "Wa": 4, "No": 5, "In": 6, "De": 7, "Db": 7}
# NetScaler's packet engine, where the device has no name.
_NO_HOST = re.compile(r"[0-9]+-PPE-[0-9]+|SFIMS")
_HARDWARE = re.compile(r"(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}")

#: How a sentence goes on after its first word, where a program's name would stand.
_VERBS = frozenset((
    "failed", "finished", "started", "stopped", "completed", "closed", "opened", "refused", "lost", "reset", "timed",
    "restarted", "ended", "succeeded", "denied", "accepted", "aborted", "cancelled", "canceled", "rejected", "expired",
    "received", "sent", "disconnected", "connected", "detected", "changed", "created", "deleted", "removed", "updated",
    "loaded", "is", "was", "has", "success",
))  # fmt: skip
#: The same without a colon, after which no tag comes.
_GO_ON = _VERBS | frozenset((
    "for", "from", "of", "to", "on", "in", "by", "with", "without", "the", "a", "an", "and", "or", "are", "were",
    "not", "will", "cannot",
))  # fmt: skip
#: Words that begin a text rather than name a host.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_NO_HOSTS = frozenset(("last", "message", "exception", "traceback", "caused", "at", "the", "and", "unable", "cannot"))


def read_header(text: str, start: int, *, has_pri: bool, is_syslog: bool) -> Header:
    """The host and the tag that ``text`` has at ``start``.

    With a PRI and a time, the first word is the host, as RFC 3164 wants it, unless it is a tag or plainly something
    else. Without a PRI, it must stand before a tag.

    Args:
        text: the line.
        start: where the header goes on after the time and its blanks.
        has_pri: whether the line began with a PRI.
        is_syslog: whether its time was in a form of syslog's own.
    """
    found = _WORD.match(text, start)
    if found is None or _OF_SYSLOGD.match(text, start):
        return Header("", "", "", start)
    word, after = found[0], _skip(text, found.end())
    if has_pri and _is_simple_host(word):
        return _first_word(text, word, start, after)
    if word[0] == "[" and (event := _OF_ONTAP.match(text, start)):
        return Header(event[1], event[2], "", start)
    if word[0] == "(" and (quoted := _QUOTED_HOST.match(text, start)):
        tag = read_tag(text, quoted.end(), close=False)
        if tag:
            return Header(quoted[1], *tag)
    address = _address_at(text, start, word)
    if address:
        following = None if has_pri else _WORD.match(text, after)
        if following and (following[0] == "-" or following[0] in _METHODS):
            # A client's, in a site's own log.
            return Header("", "", "", start)
        return _after_host(text, address, after, has_pri=has_pri)
    if word[0] == "M" and (forwarded := _FORWARDED.match(text, start)):
        return _after_host(text, forwarded[1], forwarded.end(), has_pri=has_pri)
    if word[-1] == ":" and (named := _host_before_colon(text, word, after)):
        return named
    if word[-1] == "," and (named := _host_before_comma(text, word, after)):
        return named
    tag = (read_vendor_tag(text, start) if has_pri else None) or read_tag(text, start, close=has_pri)
    if tag:
        return Header("", *tag)
    if _is_level(word):
        # The level stays in the text, and with it the tag after it.
        thread = _THREAD.match(text, after)
        tag = read_tag(text, thread.end() if thread else after, close=False)
        return Header("", tag.program, tag.procid, start) if tag else Header("", "", "", start)
    if (word.isdigit() or word[1:2] == "/") and (logcat := _of_logcat(text, start)):
        return logcat
    if word in ("-", "(none)"):
        # The kernel's name of a machine that has none.
        return _after_host(text, "" if word == "-" else word, after, has_pri=has_pri)
    if has_pri and _DIGIT_HOST.fullmatch(word):
        tag = read_tag(text, after, close=False)
        if tag and (tag.procid or "-" in word):
            return Header(word, *tag)
    if not _may_be_host(word):
        return _special(text, "", start) if has_pri else Header("", "", "", start)
    if has_pri:
        return _first_word(text, word, start, after)
    if ":" in word:
        # OpenVPN's clients, in its own file.
        return Header("", "", "", start)
    if text.startswith(":", after) and (device := device_before(text, start)):
        return device
    tag = read_tag(text, after, close=False)
    if tag and not tag.procid and ((word.istitle() and word.isalpha()) or word in _METHODS):
        return Header("", "", "", start)
    if tag and (is_syslog or tag.procid.isdigit()):
        return Header(word, *tag)
    if is_syslog and _is_like_host(word) and (header := _named_program(text, word, after)):
        return header
    if (is_syslog or text.startswith("%%", after)) and (vendor := read_vendor_tag(text, after)):
        return Header(word, *vendor)
    if is_syslog and (_OF_SYSLOGD.match(text, after) or _OF_FIREWALL.match(text, after)):
        return Header(word, "", "", after)
    topics = read_vendor_tag(text, start) if "," in word else None
    return Header("", topics.program, "", start) if topics else Header("", "", "", start)


def _of_logcat(text: str, start: int) -> Header | None:
    """The header of a line of Android's logcat or of HDFS, which stays in the text."""
    if brief := LOGCAT_BRIEF.match(text, start):
        return Header("", brief[1], brief[2], start)
    found = _BEHIND_NUMBERS.match(text, start)
    return Header("", found[2] or found[3], found[1] or "", start) if found else None


def _named_program(text: str, host: str, start: int) -> Header | None:
    """The header of a line without PRI whose program has two words, or behind whose host a level stands (SONiC)."""
    level = _LEVEL_AND_TAG.match(text, start)
    tag = read_tag(text, level.end(), close=False) if level and level[1].lower() in LEVELS else None
    if tag:
        return Header(host, tag.program, tag.procid, start)
    two = _TWO_WORDS.match(text, start)
    return Header(host, two[1], two[2], two.end()) if two else None


def read_tag(text: str, start: int, *, close: bool) -> Tag | None:
    """The tag at ``start``; ``None`` if there is none. With ``close``, no blank is needed after its colon."""
    found = _BRACKETS.match(text, start)
    if found:
        program, procid = found[1], found[2] if found[2] is not None else found[3]
        is_none = (
            _PRI.match(program)
            or "//" in program
            or _NUMBER.fullmatch(program)
            or program[-1] == ":"
            or program == "Thread"
            or _PLACE.fullmatch(program)
        )
        return None if is_none else Tag(program, procid, found.end())
    found = _COLON.match(text, start)
    if found:
        program, procid = found[1][:-1], ""
        if _is_refused(program) or _LIST.match(text, start):
            return None
        if program[-1] == ">" and (erlang := _ERLANG.fullmatch(program)):
            program, procid = erlang[1], erlang[2]
        return Tag(program, procid, found.end())
    if text.find("  [", start, start + 64) > 0 and (found := _PADDED.match(text, start)):
        return None if _is_refused(found[1]) else Tag(found[1], found[2], found.end())
    if close:
        found = _CLOSE.match(text, start)
        if found and not _is_refused(found[1]) and not (found[1] in FACILITY_WORDS and _is_priority(text, start)):
            return Tag(found[1], "", found.end())
    return None


def read_mnemonic(text: str, start: int) -> Tag | None:
    """A tag at ``start``, or behind words that devices write before a mnemonic: then the text begins with them."""
    tag = read_tag(text, start, close=False)
    if tag or not text.startswith(("%", "S"), start):
        return tag
    before = _BEFORE_MNEMONIC.match(text, start)
    tag = read_tag(text, before.end(), close=False) if before else None
    return tag._replace(end=start) if tag else None


def read_vendor_tag(text: str, start: int) -> Tag | None:
    """A tag in a vendor's form of its own at ``start``. The name of a format stays in the text."""
    if text[start : start + 1] in _FORMATS_BEGIN and (found := _FORMATS.match(text, start)):
        return Tag(found[1] or found[2] or found[3], "", start)
    if text.startswith("%", start):
        # NX-OS and APIC write no colon.
        mnemonic = _MNEMONIC.match(text, start) or _HUAWEI.match(text, start)
        return Tag(mnemonic[1], "", mnemonic.end()) if mnemonic else None
    if text.find("/", start, start + 32) > 0 and (found := _HUAWEI_SHORT.match(text, start)):
        return Tag(found[1], "", found.end())
    if text[start : start + 1] not in _TOPICS_BEGIN:
        return None
    found = _TOPICS.match(text, start)
    if found and (found[2] or not LEVELS.keys().isdisjoint(found[1].split(","))):
        return Tag(found[1] or found[2], "", found.end())
    return None


def device_before(text: str, start: int) -> Header | None:
    """The header of a device of Cisco's that writes its name before a mnemonic: ``fw-1 : %ASA-6-302013: ``."""
    found = _DEVICE.match(text, start)
    tag = read_mnemonic(text, found.end()) if found else None
    return Header(found[1], *tag) if found and tag else None


@lru_cache(maxsize=1024)
def facility_and_level(word: str) -> tuple[int, int] | None:
    """The numbers for a word such as ``<authpriv.info>``, ``local7.Info``, ``auth|security:info`` or ``In(182)``."""
    short = _LETTERS_AND_PRI.fullmatch(word)
    if short:
        value = int(short[2])
        return (value >> 3, value & 7) if value < 192 and _TWO_LETTERS.get(short[1]) == value & 7 else None
    found = _FACILITY_LEVEL.fullmatch(word)
    if found is None:
        return None
    # syslog.conf's old name of emerg; programs mean less by it.
    level = 0 if found[2].lower() == "panic" else LEVELS.get(found[2].lower())
    facility = FACILITY_WORDS.get(found[1].lower())
    return None if facility is None or level is None else (facility, level)


def _is_priority(text: str, start: int) -> bool:
    """Whether the word at ``start`` is a facility and a level."""
    found = _WORD.match(text, start)
    return found is not None and facility_and_level(found[0]) is not None


def _skip(text: str, start: int) -> int:
    found = _BLANKS.match(text, start)
    assert found is not None
    return found.end()


def _first_word(text: str, word: str, start: int, after: int) -> Header:
    """The header of a line with PRI and time whose first word may be a host."""
    header = _after_host(text, word, after, has_pri=True)
    if header.program or _is_like_host(word):
        return header
    if word.istitle() or word in _METHODS or word.lower() in _NO_HOSTS:
        # A sentence begins so; a host is hardly named so.
        return Header("", "", "", start)
    following = _WORD.match(text, after)
    if following is None:
        # The only word of a text, as RFC 3164 has no line without one.
        return Header("", "", "", start)
    next_word = following[0]
    if next_word.lower() in _GO_ON or (next_word[-1] == ":" and _is_refused(next_word[:-1])):
        return Header("", "", "", start)
    return header


def _after_host(text: str, host: str, start: int, *, has_pri: bool) -> Header:
    """The tag that follows a host."""
    found = _WORD.match(text, start)
    if found is None:
        return Header(host, "", "", start)
    word = found[0]
    if ":" in word or "[" in word:
        tag = read_tag(text, start, close=has_pri)
        if tag and "," in tag.program and (inner := read_tag(text, _skip(text, tag.end), close=False)):
            # UniFi's model and version, behind the name that its owner gave.
            return Header(host, inner.program, inner.procid, start)
        if tag:
            return Header(host, *tag)
        if has_pri and word == ":":
            after = _skip(text, found.end())
            tag = read_mnemonic(text, after) if text.startswith("%", after) else None
            return Header(host, *tag) if tag else Header(host, "", "", after)
    return _special(text, host, start) if has_pri else Header(host, "", "", start)


def _special(text: str, host: str, start: int) -> Header:
    """The tag in a form of its own."""
    found = _WORD.match(text, start)
    if found is None:
        return Header(host, "", "", start)
    vendor = read_vendor_tag(text, start) or (read_mnemonic(text, start) if found[0][0] in "%S" else None)
    if vendor:
        return Header(host, *vendor)
    word, after = found[0], _skip(text, found.end())
    if host and text.startswith("- ", after) and (dashed := _DASH.match(text, start)) and not _is_refused(dashed[1]):
        return Header(host, dashed[1], "", start)
    if host and text.startswith(": ", after) and (loose := _BEFORE_BLANK_AND_COLON.match(text, start)):
        return Header(host, "", "", start) if _is_refused(word) else Header(host, word, "", loose.end())
    if host and word == host:
        tag = read_tag(text, after, close=True)
        return Header(host, *tag) if tag else Header(host, "", "", after)
    if text.find("[", after, after + 64) > 0 and not (_is_level(word) or facility_and_level(word)):
        two = _TWO_WORDS.match(text, start)
        if two and word.isalpha():
            return Header(host, two[1], two[2], two.end())
        if second := _SECOND_NAME.match(text, start):
            return Header(host, second[1], second[2], start)
        if spaced := _SPACED.match(text, start):
            return Header(host, spaced[1], spaced[2], spaced.end())
    between = _BETWEEN.match(text, start) if text.startswith("(", after) else None
    if word[0] == "[" and (level := _LEVEL_IN_BRACKETS.match(text, start)) and _is_level(level[1]):
        between = level
    if between or _is_level(word) or _is_address(word) or facility_and_level(word):
        tag = read_tag(text, between.end() if between else after, close=False)
        if tag:
            return Header(host, tag.program, tag.procid, start)
    return Header(host, "", "", start)


def _host_before_colon(text: str, word: str, after: int) -> Header | None:
    """The header of UniFi's access points (``model,mac,version: tag: ``), and Cisco's ``host: %FACILITY-5-NAME: ``."""
    if "," in word or text.startswith("%", after):
        tag = read_mnemonic(text, after)
        if tag and _HOST.fullmatch(word[:-1]):
            return Header(word[:-1], *tag)
    return None


def _host_before_comma(text: str, word: str, after: int) -> Header | None:
    """The header of a device whose name a comma follows; a plain word before a comma begins a text."""
    tag = read_tag(text, after, close=False) if _may_be_host(word[:-1]) else None
    return Header(word[:-1], *tag) if tag and (tag.procid or not word[:-1].isalpha()) else None


def _address_at(text: str, start: int, word: str) -> str:
    """The address that the word at ``start`` is, also in brackets; ``""`` if it is none."""
    if word[0] == "[":
        found = _BRACKETED.match(text, start)
        return found[1] if found and _is_address(found[1]) else ""
    return word if (word[0].isalnum() or word[0] == ":") and _is_address(word) else ""


def _is_address(word: str) -> bool:
    if ":" in word:
        return len(word) <= 61 and (_is_ip(word) or _HARDWARE.fullmatch(word) is not None)
    # Solaris writes the interface after the address, with two more numbers.
    return word[0].isdigit() and _DOTTED.fullmatch(word) is not None


@lru_cache(maxsize=1024)
def _is_ip(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_simple_host(word: str) -> bool:
    """Whether ``word`` alone tells that it is a host and no tag: then the forms of tags need not be tried on it."""
    return (
        _SIMPLE.fullmatch(word) is not None
        and word not in ("Message", "MSWinEventLog")
        and not word.startswith("CISE_")
        and not _is_level(word)
        and _may_be_host(word)
    )


@lru_cache(maxsize=4096)
def _may_be_host(word: str) -> bool:
    """Whether ``word`` has the characters of a host's name and is none of the words that stand there otherwise."""
    if len(word) > 255 or _HOST.fullmatch(word) is None:
        return False
    if _NUMBER.fullmatch(word) and not _DOTTED.match(word):
        return False
    if word in ZONE_HOURS or (word[-1] == "." and "." not in word[:-1]) or _NO_HOST.fullmatch(word):
        return False
    return facility_and_level(word) is None


@lru_cache(maxsize=4096)
def _is_like_host(word: str) -> bool:
    """Whether ``word`` has something of a host's name that a plain word has not."""
    return not word.isalpha()


@lru_cache(maxsize=4096)
def _is_level(word: str) -> bool:
    return word.strip("[]<>():|").lower() in LEVELS


def _level_before_colon(lower: str) -> bool:
    """Whether a level and a single colon begin a word: Jetty's ``info:oejs.Server:main``, but not ``log::dispatch``."""
    level, colon, rest = lower.partition(":")
    return bool(colon) and not rest.startswith(":") and level in LEVELS


@lru_cache(maxsize=4096)
def _is_refused(program: str) -> bool:
    """Whether a word before a colon is no program's name: a number, a level, an address with its scheme, a verb."""
    lower = program.lower()
    return (
        lower in LEVELS
        or _level_before_colon(lower)
        or lower in _VERBS
        or "//" in program
        or _PRI.match(program) is not None
        or _NUMBER.fullmatch(program) is not None
        or _PLACE.fullmatch(program) is not None
        or (program in ZONE_HOURS and len(program) > 1)
    )
