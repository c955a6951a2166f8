"""Finds the severity that a text names itself, for lines without a PRI.

Programs write it in many forms: ``ERROR myapp: …``, ``[warn]``, ``level=error``, ``"level":50``, ``E1130 00:55:12``,
``<3>``. Only a word in such a place counts: ``no error occurred`` names none.
"""

from __future__ import annotations

import re
from itertools import islice

from ppl.model import SEVERITIES, SEVERITY_WORDS
from ppl.sources.json_place import has_inner, outer_of

#: Words that only programs write, and that nobody searches by.
_OTHER_WORDS = {
    "severe": 3, "failure": 3, "log": 6, "statement": 6, "detail": 6, "hint": 6, "fine": 7, "finer": 7, "finest": 7,
    "config": 6, "trc": 7, "dbg": 7, "inf": 6, "wrn": 4, "ftl": 2, "noti": 5, "dpanic": 2, "debug1": 7, "debug2": 7,
    "debug3": 7, "debug4": 7, "debug5": 7, "note": 5, "fail": 3, "dbug": 7, "trce": 7, "debu": 7, "erro": 3, "fata": 2,
    "deprecated": 6, "ddebug": 7, "subdebug": 7,
}  # fmt: skip
LEVELS = {**_OTHER_WORDS, **SEVERITY_WORDS}

#: What sets a colour in a terminal, erases a part of it or moves its cursor.
TERMINAL = re.compile(r"\x1b\[[0-9;:?]*+[A-Za-z]")

#: Characters of a text in which its level is looked for.
MOST_OF_TEXT = 256

#: Bytes in lower case where they are letters, blanks where they are not.
WORDS_ONLY = bytes(
    number | 0x20 if 65 <= number <= 90 else number if 97 <= number <= 122 else 0x20 for number in range(256)
)
#: A text without these, and without "<" at its beginning, names no severity: the names themselves, the keys beside
#: which one may stand, and the letters with which klog and others begin.
TELLING = frozenset(
    word.encode("ascii")
    for word in (
        *(name.rstrip("12345") for name in LEVELS),
        *("level", "levelname", "loglevel", "loglevelname", "lvl", "severity", "severitytext", "l", "priority"),
        *("e", "w", "i", "f", "d", "c", "n"),
    )
)

# Numbers of pino and bunyan.
_TENS = {"10": 7, "20": 7, "30": 6, "40": 4, "50": 3, "60": 2}
# One letter of klog, glog and Ruby's Logger.
_LETTERS = {"E": 3, "W": 4, "I": 6, "D": 7, "F": 2, "C": 2, "N": 5, "T": 7, "V": 7}

_SYSTEMD = re.compile(r"<([0-7])>")
# klog, glog, Tornado, Jupyter and ESPHome (with brackets), qBittorrent, Ruby, CUPS, Telegraf, etcd, ESP-IDF, SQL
# Anywhere, Android, beego, MongoDB 4.2.
_LETTER = re.compile(
    r"(?:\[[0-9:.]{8,15}\](?=\[))?[\[(]?([EWIFDCNV])(?: ?(?:[0-9]{4}|[0-9]{2})?[01][0-9][0-3][0-9] [0-9]{2}:[0-9]{2}:"
    r"| [0-9]{4}-[0-9]{2}-|,? \[[0-9]{2,4}[/\-]"
    r"|! | \| [\w.\-/]{1,40}: |\]\[|\) [0-9]{4}-| \([0-9]{1,12}\) [\w.\-]{1,40}: "
    r"| \([0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\) [\w.\-]{1,40}: |(?<=\[.) [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})? "
    r"|\. (?:[0-9]{4}-[0-9]{2}-|[0-9]{2}/)[0-9]{2} |/[^\s()]{1,60}\( {0,6}[0-9]{1,7}\): "
    r"|(?<=\[.)\] |[1-5]? {1,2}(?:[A-Z_]{8} |[A-Z_]{1,7} {2,8}|- {2,8})\[)"
)
# PHP's names of its errors; Go's and the C compilers' "fatal error: ".
_PHP = re.compile(r"(?:\[[^\]]{0,60}+\] )?(?:PHP (?:[A-Z][a-z]{1,12} )?(?:fatal )?|fatal (?=error))([A-Za-z]{5,10}):")
_ERLANG = re.compile(r"=([A-Z]{4,8}) REPORT====")
# Behind one thing in brackets, and the program: "[1795996512] unbound[4711:0] info: ", "[…] warning/ApiListener: ".
_BEHIND_BRACKET = re.compile(
    r"\[[^\]]{1,60}+\]:? ++(?:[\w.\-]{1,40}+\[[^\]\s]{1,20}+\] )?([A-Za-z]{3,13})"
    r"(?:(?:/[\w.\-]{1,60}+)?\s{0,8}:|\[[0-9]{1,10}\](?:\[[^\]\s]{1,20}\])?:? )"
)
# VMware's daemons; dmesg --decode; PostgreSQL's CSV; MongoDB's JSON.
_BEFORE_TAG = re.compile(r"([a-z]{4,9}) +(?:[\w.\-/]{1,60}\[[0-9]{1,10}\]|\[[\w.\-/]{1,40}\]: )")
# The kernel of ESXi: a processor and a world.
_VMKERNEL = re.compile(r"cpu[0-9]{1,3}:[0-9]{1,10}(?: opID=\S{1,40})?\)([A-Z]{5,7}): ")
_DECODED = re.compile(r"(?:kern|user|daemon) *:([a-z]{3,6}) *: ")
_CSV = re.compile(r"""(?:"[^"\n]{0,80}")?,(?:"[^"\n]{0,80}")?,[0-9]*,.{0,180}?,([A-Z]{3,7}[1-5]?),[0-9A-Z]{5},""")
_MONGODB = re.compile(r'\{"t":\{"\$date":"[0-9T:.+\-Z]{20,36}"\},\s?"s":"([FEWID])')
# Redis: its process and role, the time, and a sign of the level.
_REDIS = re.compile(r"[0-9]{1,10}:[MSCX] [0-9]{2} [A-Z][a-z]{2} (?:[0-9]{4} )?[0-9:.]{12} ([.*#\-]) ")
_SIGNS = {".": 7, "-": 6, "*": 5, "#": 4}

# Android's logcat, by whose V no other program means a level; its long form has the time before.
_VERBOSE = re.compile(
    r"[0-9]{1,7}(?: {1,8}[0-9]{1,7}){1,2} V \S{1,60}(?: \S{1,30})? {0,20}: "
    r"|\[ [0-9\-]{5,10} [0-9:.]{8,15} {1,8}[0-9]{1,7}: {0,8}[0-9]{1,7} V/\S{1,60} +\]"
)
# RouterOS's topics, of which some may be levels.
_TOPICS = re.compile(r"[a-z0-9\-]{2,20}((?:,[a-z0-9\-]{2,20}){1,5}) ")
_TOPIC_LEVELS = {word: LEVELS[word] for word in ("critical", "error", "warning", "info", "debug")}
_TABBED = re.compile(r"(debug|info|warn|warning|error|fatal|panic)\t", re.IGNORECASE)
# libvirt, Android's logcat; a line of klog behind containerd's words; HANA; Windows's CBS; Zigbee2MQTT.
_BEHIND_NUMBER = re.compile(
    r"[0-9]{1,7}(?::(?= [a-z]{4,8} : )|(?: {1,8}[0-9]{1,7}){1,2}(?= [DIWEF] \S{1,60} {0,20}: )) ([A-Za-z]{1,8}) "
)
_OF_CRI = re.compile(r"std(?:out|err) [FP] ([EWIFDC])[01][0-9][0-3][0-9] [0-9]{2}:")
_HANA = re.compile(r"\[[0-9]{1,10}\]\{\S{1,20}\}\[\S{1,20}\] [0-9\-]{10} [0-9:.]{8,15} ([diwef]) ")
_CBS = re.compile(r"(Info|Error|Warning|Perf) {8,20}[A-Z]{2,8} ")
_ZIGBEE = re.compile(r"Zigbee2MQTT:([a-z]{4,7}) {1,8}[0-9]{4}-")
# Extreme's VOSS: an event, an alarm, a virtual router and a module.
_VOSS = re.compile(
    r"(?:\S{1,60} {1,3}\[[^\]]{8,40}\] )?(?:0x[0-9a-f]{8} (?:- )?)?[0-9A-Fa-f]{8}(?:\.[0-9]{1,6})? "
    r"(?:DYNAMIC (?:SET|CLEAR) )?\S{1,32} [A-Z][A-Z0-9_\-]{1,20} ([A-Z]{4,9}|[EWIFDC]) "
)
_OLD_VOSS = re.compile(r"CP[U0-9]{1,3} {1,3}\[[^\]]{8,40}\] [A-Z][A-Z0-9_\-]{1,20} ([A-Z]{4,9}) ")
# WebSphere: a thread and a name of thirteen characters, then a letter; logcat's long form.
_LETTER_IN_COLUMN = re.compile(
    r"\[(?= ?[0-9]{1,4}[/\-])(?:[^\]]{12,60}+\] [0-9a-f]{8} \S{1,13} {1,13}(?=. {3})"
    r"| [0-9\-]{5,10} [0-9:.]{8,15} {1,8}[0-9]{1,7}: {0,8}[0-9]{1,7} (?=./\S{1,60} +\]))([FEWICD])"
)
# Db2's diagnostic log.
_DB2 = re.compile(r" LEVEL: ([A-Z][a-z]{3,7})(?!\w)")
#: The first character of a text → the forms that begin with it.
_BEGINNINGS = {
    **dict.fromkeys("0123456789", (_BEHIND_NUMBER,)),
    "0": (_BEHIND_NUMBER, _VOSS),
    "[": (_BEHIND_BRACKET, _PHP, _HANA, _LETTER_IN_COLUMN),
    "C": (_OLD_VOSS,),
    "Z": (_ZIGBEE,),
    "s": (_OF_CRI,),
    "P": (_PHP, _TABBED),
    "f": (_PHP, _TABBED),
    "=": (_ERLANG,),
    ",": (_CSV,),
    '"': (_CSV,),
    **dict.fromkeys("DF", (_TABBED,)),
    **dict.fromkeys("EIW", (_TABBED, _CBS)),
    **dict.fromkeys("einptvw", (_TABBED, _BEFORE_TAG)),
    "c": (_TABBED, _BEFORE_TAG, _VMKERNEL),
    "d": (_TABBED, _BEFORE_TAG, _DECODED),
    "k": (_DECODED,),
    "u": (_DECODED,),
}
# level=warn, "level":50, log.level="error"; at the beginning of a text or behind what separates pairs.
_KEY = re.compile(
    r"""(?:^|(?<=[\s,;{(|\["']))(?:(?:log\.?)?level(?:_?name)?|lvl|loglevel|severity(?:_?text)?|@l|PRIORITY|(?<=")(?:(?:Log)?Level|Severity)(?="))"""
    r"""["']?\s{0,2}[=:]\s{0,2}["']?([A-Za-z]{1,13}|[0-9]{1,2})(?![\w.])"""
)
_JSON_VALUE = re.compile(r"""\s{0,2}"?([A-Za-z]{1,13}|[0-9]{1,2})(?![\w.])""")
# The usual place, without any search.
_FIRST_WORD = re.compile(r"[\[(]?([A-Z]{3,13})(?:[\s:\])]|\[[0-9][0-9T:.+Z|\-]{3,34}\] )")
# First in the text, in any case; or in brackets; or in capitals after nothing but times, numbers, names and brackets.
_FIRST = re.compile(r"\W{0,3}([A-Za-z]{3,13}[1-5]?)(?:\[[^\]\s]{0,40}\]){0,3}\s{0,3}[:\]|>)]")
_BRACKETED = re.compile(r"[\[<(] ?(?:[\w. \-]{1,40}[:/#])?([A-Za-z]{3,13}[1-5]?)\s{0,8}[\]>)]")
# The character is looked for before what precedes it: so the search skips what is no capital.
_CAPITALS = re.compile(r"([A-Z](?<![^\s|\-\]:,.\[].)[A-Z]{2,12}[1-5]?)(?=[\s|\]:,;/\-]|\Z)")
_BEFORE = re.compile(
    r"\[?(?:(?<!\S)(?=[A-Za-z_]{1,40}[0-9\-])[\w\-]{1,60}+ ++|[\s\d:.,/|\-+TZ]++|[\w.,]{1,60}+[=@]\S{1,100}+ ++"
    r"|\[[^\]]{0,60}+\]|\([^)]{0,60}+\)|[A-Z]{3,4}+(?!\w)|[AP]M(?!\w)|\{[^}]{0,60}+\}|[\w.$\-/@]{1,60}+ ++[\-|] ++"
    r"|[\w$]{1,30}+\.[\w.$\-]{1,60}+ ++|[\w$-]{1,60}+\.\Z|[\w\-]{1,60}+::\Z|std(?:out|err) [FP] "
    r"|[a-z][\w.\-/]{0,60}+: ++){0,12}+"
)
# The same of few programs: AWS's Lambda, PostgreSQL of AWS's RDS and of PGDG, java.util.logging on one line, GlassFish,
# and files whose names come first.
_RARELY_BEFORE = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\s|(?:[\w.\-:]{1,60}\([0-9]{1,5}\)|\[local\])?:?\S{0,60}@\S{0,60}:\[[0-9]{1,10}\]:"
    r"|< [^<>]{19,60} > |(?:[\w$]{1,30}\.){1,10}[A-Z][\w$]{0,40} [a-z][\w$<>]{0,40} |\[#\|[^|]{19,40}\|"
    r"|[\w.\-:]{1,60}\.log[\w.\-:]{0,60} [\s\d:.,/\-+TZ]{19,60}"
)
_LONGEST_TOPIC = 20
# Elastic's and Logstash's objects for the level.
_OF_LOG = re.compile(r'"(?:log|@?fields)":\s?\{[^{}]{0,80}?"(?:level|lvl|levelname)":\s?"([A-Za-z]{1,13})"')
#: How many words in brackets or capitals are looked at.
_MOST_WORDS = 4


# Python's "name level message", behind a time; the words go before a level in a sentence.
_NAMED = re.compile(
    r"([a-z][\w.]{1,60}|[A-Z]\w{0,40}\.[\w.]{1,60}) +(DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL) +(?=\S)"
)
_SENTENCE = frozenset((
    "a", "an", "and", "any", "as", "at", "for", "from", "found", "get", "got", "had", "has", "have", "http", "in",
    "internal", "is", "last", "more", "new", "no", "of", "on", "one", "or", "received", "returned", "returns", "server",
    "some", "status", "the", "this", "to", "type", "unknown", "was", "with", "without",
))  # fmt: skip


def named_level(text: str) -> int | None:
    """The severity behind a name at the beginning of ``text``, before which a time stood; ``None``: there is none."""
    found = _NAMED.match(text)
    return LEVELS[found[2].lower()] if found and found[1].lower() not in _SENTENCE else None


def level_of(text: str) -> int | None:
    """The severity, 0 (emerg) to 7 (debug), that ``text`` names; ``None`` if it names none."""
    if len(text) > MOST_OF_TEXT:
        text = text[:MOST_OF_TEXT]
    if "\x1b" in text:
        text = TERMINAL.sub("", text)
    first = text[:1]
    if first == "{":
        return _level_of_object(text)
    if first == "<" and (found := _SYSTEMD.match(text)):
        return int(found[1])
    if (first in _LETTERS or first in "[(") and (found := _LETTER.match(text)):
        return _LETTERS[found[1]]
    word = _FIRST_WORD.match(text) if first.isupper() or first in "[(" else None
    if word and (level := LEVELS.get(word[1].lower())) is not None:
        return level
    if _has_key(text) and (found := _KEY.search(text)):
        level = _named(found[1])
        if level is not None:
            return level
    if first.isdigit() and (found := _REDIS.match(text)):
        return _SIGNS[found[1]]
    if (first.isdigit() or text.startswith("[ ")) and " V" in text and _VERBOSE.match(text):
        return _LETTERS["V"]
    if TELLING.isdisjoint(text.encode("utf-8", "replace").translate(WORDS_ONLY).split()):
        return None
    return searched_level(text)


def _has_key(text: str) -> bool:
    return "evel" in text or "lvl" in text or "everity" in text or "@l" in text or "PRIORITY" in text


def _level_of_object(text: str) -> int | None:
    """The severity that a JSON object names in one of its own keys, or in its ``log``."""
    at = text.find('"level":')
    if at >= 0 and not has_inner(text, at) and (value := _JSON_VALUE.match(text, at + 8)):
        return _named(value[1])
    if _has_key(text) and (found := _KEY.search(text)):
        # A game's player has a level, too, and an alert its severity.
        if has_inner(text, found.start()):
            found = _KEY.search(outer_of(text)) or _OF_LOG.search(text)
        level = _named(found[1]) if found else None
        if level is not None:
            return level
    found_letter = _MONGODB.match(text)
    return _LETTERS[found_letter[1]] if found_letter else None


def searched_level(text: str) -> int | None:
    """The severity that a word of ``text`` names where a program would write it, however it begins.

    For a text without one of :data:`TELLING`, which most are, there is no need to search.
    """
    first = text[:1]
    found = _FIRST.match(text)
    if found and (level := LEVELS.get(found[1].lower())) is not None:
        return level
    for pattern in _BEGINNINGS.get(first, ()):
        found = pattern.match(text)
        level = LEVELS.get(found[1].lower(), _LETTERS.get(found[1].upper())) if found else None
        if level is not None:
            return level
    if " 0x" in text and (found := _VOSS.match(text)):
        level = _named(found[1])
        if level is not None:
            return level
    if " LEVEL: " in text and (found := _DB2.search(text)) and (level := LEVELS.get(found[1].lower())) is not None:
        return level
    if "[" in text or "(" in text or "<" in text:
        for found in islice(_BRACKETED.finditer(text), _MOST_WORDS):
            if (level := LEVELS.get(found[1].lower())) is not None:
                return level
    for found in islice(_CAPITALS.finditer(text), _MOST_WORDS):
        if (level := LEVELS.get(found[1].lower())) is not None:
            at = found.start(1)
            return level if _BEFORE.fullmatch(text, 0, at) or _RARELY_BEFORE.fullmatch(text, 0, at) else None
    if text.find(",", 2, _LONGEST_TOPIC) > 0 and first.islower() and (found := _TOPICS.match(text)):
        return min((_TOPIC_LEVELS[word] for word in found[1].split(",") if word in _TOPIC_LEVELS), default=None)
    return None


def _named(word: str) -> int | None:
    """The severity of a word, a letter, a number of syslog or of pino."""
    if word.isdigit():
        number = int(word)
        return number if number < len(SEVERITIES) else _TENS.get(word)
    return LEVELS.get(word.lower(), _LETTERS.get(word))
