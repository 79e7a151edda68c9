"""Count the requests of a client in a period, and return how many are left.

Periods are fixed: each begins when the clock passes a multiple of its length. If the shared cache is unavailable,
nothing is counted, unless the caller asks each process to count alone.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from rest_framework.exceptions import Throttled

from crm.limits.counters import count, count_back
from crm.limits.rates import parse_rate


@dataclass(frozen=True)
class Allowance:
    """How many requests a client has left after the present one; `remaining` is None if nothing is counted."""

    quota: int
    window: int  # seconds
    remaining: int | None
    seconds_left: int
    counter: str

    def headers(self) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers-10."""
        policy = {"RateLimit-Policy": f'"requests";q={self.quota};w={self.window}'}
        if self.remaining is None:
            return policy
        return policy | {"RateLimit": f'"requests";r={max(self.remaining, 0)};t={self.seconds_left}'}

    def check(self) -> None:
        """Raise Throttled if the present request is one too many."""
        if self.remaining is not None and self.remaining < 0:
            message = f"At most {self.quota} requests are answered in {self.window} seconds."
            raise Throttled(self.seconds_left, message)

    def give_back(self) -> None:
        """Remove the present request from the count."""
        count_back(self.counter)


def spend(client: str, rate: str, *, even_alone: bool = False) -> Allowance:
    """Count one request of the client, and return what is left. `rate` is written as 600/minute.

    With `even_alone`, each process counts for itself while the shared cache is unavailable.
    """
    (quota, window), now = parse_rate(rate), time.time()
    counter = f"throttle:{client}:{window}:{int(now // window)}"
    number = count(counter, 2 * window, even_alone=even_alone)
    remaining = None if number is None else quota - number
    return Allowance(quota, window, remaining, math.ceil(window - now % window), counter)
