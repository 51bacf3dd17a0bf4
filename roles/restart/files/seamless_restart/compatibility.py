"""Whether a service's own answer shows that it can be drained: pure, on the bytes of one answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .rules import DRAIN_HEADERS, FIRST_OFFSET, LAST_OFFSET

_DATE = re.compile(
    rb"\r\nDate: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n"
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes:
        head: From the first byte to the empty line, or all there was.
    """

    head: bytes

    @property
    def status(self) -> int | None:
        """The HTTP status; None if this is no answer of HTTP/1.1."""
        match = _STATUS.match(self.head)
        return int(match[1]) if match else None

    @property
    def serves(self) -> bool:
        """Whether it is an answer of status 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def closes(self) -> bool:
        """Whether the connection is to be closed after it."""
        return bool(re.search(rb"\r\nconnection:[^\r]*\bclose\b", self.head, re.IGNORECASE))

    @property
    def drained(self) -> bool:
        """Whether the drain has rewritten it."""
        return DRAIN_HEADERS in self.head


def incompatibility(answer: Answer) -> str | None:
    """Why this service cannot be drained by its answers' Date header; None if it can."""
    if not answer.head:
        return "it accepts connections and does not answer a plain request; it may speak TLS, or hang"
    if answer.head[:1] == b"\x15":
        return "it speaks TLS itself, so its answers cannot be rewritten on their way"
    if answer.status is None:
        return f"it does not answer in plain HTTP/1.1 but with {answer.head[:24]!r}"
    if not answer.serves:
        return f"it answers with status {answer.status}, so a probe could not see that it is back"
    if answer.closes:
        return None
    found = _DATE.search(answer.head)
    if found is None:
        return "its answers have no Date header of the usual form"
    offset = found.start() + 2
    if not FIRST_OFFSET <= offset <= LAST_OFFSET:
        return f"the Date header is {offset} bytes into its answers, and only up to {LAST_OFFSET} is reached"
    return None
