"""The signs in a stream of bytes that tell how it is framed, as patterns.

Each sign that two reads may cut has a pattern ``MAY_…`` beside it. It matches what may become the sign with more bytes,
and reaches to the end of what has come.
"""

from __future__ import annotations

import re

_PRI = rb"<[0-9]{1,3}>"
_MAY_BE_PRI = rb"<[0-9]{0,3}\Z"
# At most nine digits, not all of them 0. RFC 6587 forbids a leading 0; some senders write it.
_COUNT = rb"(?=[0-9]{1,9} )0*[1-9][0-9]*"
_MAY_BE_COUNTED = rb"[0-9]{1,9}(?: (?:<[0-9]{0,3})?)?\Z"

#: The byte order mark that some programs write before everything else.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

PRI = re.compile(_PRI)
MAY_BE_PRI = re.compile(_MAY_BE_PRI)

#: A count, a blank: any message of a connection that counts octets begins so.
COUNT = re.compile(rb"(" + _COUNT + rb") ")
MAY_BE_COUNT = re.compile(rb"[0-9]{1,9}\Z")

#: The same with a PRI after it: a sign that a connection counts octets (RFC 6587 section 3.4.1).
COUNTED = re.compile(rb"(" + _COUNT + rb") (?=" + _PRI + rb")")
MAY_BE_COUNTED = re.compile(_MAY_BE_COUNTED)
#: The most bytes that ``MAY_BE_COUNTED`` matches.
LONGEST_MAY_BE_COUNTED = 14
#: A later line that begins so, NULs aside; the match begins with the LF before it.
COUNTED_LINE = re.compile(rb"\n\0*" + _COUNT + rb" " + _PRI)
#: Where a connection whose counts were wrong may go on.
RESUMES = re.compile(rb"\n|" + _COUNT + rb" " + _PRI)

#: A PRI, and RFC 5424's or RFC 3164's beginning of a header (with an ISO date as well): no text looks like it.
_HEADER = (
    _PRI + rb"(?:1 [0-9]{4}-[0-9]{2}-[0-9]{2}T|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:"
    rb"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3][0-9] [0-9]{2}:[0-9]{2}:)"
)
HEADER = re.compile(_HEADER)
#: A header that a syslog daemon writes, also RFC 5424's without a time: its lines end with LF.
OF_A_DAEMON = re.compile(_HEADER + rb"|" + _PRI + rb"1 ")
#: A header within a line, not one that is quoted there. It begins with a character, so that a search skips all others.
INNER_HEADER = re.compile(rb"<(?<![ \"'=:(\[]<)" + _HEADER.removeprefix(b"<"))
#: Bytes of the longest header, and the byte before it.
LONGEST_HEADER = 25

#: What may end the first line that begins with a PRI: LF, NUL or a new header.
FIRST_LINE_ENDS = re.compile(rb"[\n\0]|" + INNER_HEADER.pattern)
#: What may end a first line that begins with ``{``, or several lines that may be one message.
LF_OR_NUL = re.compile(rb"[\n\0]")
#: After LF: what shows that LF ends the lines of a connection, though they have no header.
AFTER_ENDING_LF = re.compile(rb"\0|" + _PRI + rb"|" + _COUNT + rb" " + _PRI)
MAY_BE_AFTER_ENDING_LF = re.compile(rb"\Z|" + _MAY_BE_PRI + rb"|" + _MAY_BE_COUNTED)

#: After NUL: what shows that NUL ends the messages of a connection.
AFTER_ENDING_NUL = re.compile(_PRI + rb"|\{")
#: A NUL at the end of what has come, which may be an ending one.
MAY_BE_ENDING_NUL = re.compile(rb"\0(?:<[0-9]{0,3})?\Z")
#: The most bytes that ``MAY_BE_ENDING_NUL`` and ``MAY_BE_LINE_WITH_PRI`` match.
LONGEST_MAY_BE_END = 5
#: NULs at a line's beginning (no group), or one that may end a line before a PRI (``pri``) or an object (``object``).
NUL = re.compile(rb"(?<=\n)\0+|\0(?:(?P<pri>(?=" + _PRI + rb"))|(?P<object>(?=\{)))")
NULS_AT_BEGINNING = re.compile(rb"(?<=\n)\0+")
NULS = re.compile(rb"\0+")
#: The beginning of a line that a NUL may end.
MAY_END_WITH_NUL = re.compile(rb"\0*(?:" + _PRI + rb"|\{)")

#: LF and the PRI of another message.
LINE_WITH_PRI = re.compile(rb"\n" + _PRI)
MAY_BE_LINE_WITH_PRI = re.compile(rb"\n(?:<[0-9]{0,3})?\Z")

#: What stands between messages and belongs to none.
BETWEEN = re.compile(rb"[\r\n\0]+")
BREAK = re.compile(rb"[\r\n]")
