"""How many requests each key, and each member of staff who is logged in, may send.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10. Windows are fixed: each begins when the clock passes
a multiple of its length. A cache that cannot be reached lets everything pass.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from crm.api.rates import parse_rate
from crm.counters import count, count_back
from crm.models import ApiKey


@dataclass(frozen=True)
class Allowance:
    """What is left to a client after the request at hand; `remaining` is None where nobody counts."""

    quota: int
    window: int  # seconds
    remaining: int | None
    seconds_left: int
    counter: str

    def headers(self) -> dict[str, str]:
        policy = {"RateLimit-Policy": f'"requests";q={self.quota};w={self.window}'}
        if self.remaining is None:
            return policy
        return policy | {"RateLimit": f'"requests";r={max(self.remaining, 0)};t={self.seconds_left}'}

    def check(self) -> None:
        """Raises Throttled if the request at hand is one too many."""
        if self.remaining is not None and self.remaining < 0:
            message = f"At most {self.quota} requests are answered in {self.window} seconds."
            raise Throttled(self.seconds_left, message)

    def give_back(self) -> None:
        """Have the request at hand not count after all."""
        count_back(self.counter)


def spend(client: str, rate: str, *, even_alone: bool = False) -> Allowance:
    """Count one request of the client, `even_alone` in this process. `rate` is such as 600/minute."""
    (quota, window), now = parse_rate(rate), time.time()
    counter = f"throttle:{client}:{window}:{int(now // window)}"
    number = count(counter, 2 * window, even_alone=even_alone)
    remaining = None if number is None else quota - number
    return Allowance(quota, window, remaining, math.ceil(window - now % window), counter)


def spend_request(request: Request) -> Allowance:
    """Count the request of the key, or of the member of staff who is logged in."""
    client = f"key:{request.auth.prefix}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"
    return spend(client, settings.API_RATE)
