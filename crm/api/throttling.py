"""How many requests each key, and each member of staff who is logged in, may send.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10. Windows are fixed: each begins when the clock passes
a multiple of its length. A cache that cannot be reached lets everything pass.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from crm.api.rates import parse_rate
from crm.models import ApiKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowance:
    """What is left to a client after the request at hand; `remaining` is None where nobody counts."""

    quota: int
    window: int  # seconds
    remaining: int | None
    seconds_left: int

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


def spend(client: str, rate: str) -> Allowance:
    """Count one request of the client. `rate` is such as 600/minute."""
    (quota, window), now = parse_rate(rate), time.time()
    count = _count(f"throttle:{client}:{window}:{int(now // window)}", window)
    remaining = None if count is None else quota - count
    return Allowance(quota, window, remaining, math.ceil(window - now % window))


def spend_request(request: Request) -> Allowance:
    """Count the request of the key, or of the member of staff who is logged in."""
    client = f"key:{request.auth.prefix}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"
    return spend(client, settings.API_RATE)


def _count(key: str, window: int) -> int | None:
    """How often this was called for the key, in whichever process; None if the cache cannot be reached."""
    try:
        cache.add(key, 0, timeout=2 * window)
        return cache.incr(key)
    except ValueError:  # a file that another process deleted to make room
        return None
    except Exception as error:  # each cache has errors of its own
        logger.warning("Requests are not counted: the cache cannot be reached (%s)", error)
        return None
