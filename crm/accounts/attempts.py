"""How many passwords may be tried, counted before one is looked at: hashing is slow, and its time is the site's.

An attempt counts against its account from this address, the account from anywhere, and the address. A browser that
knew the account's password before counts for itself alone, so nobody locks its owner out from elsewhere.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from crm.accounts.known_browsers import id_of_known_browser
from crm.limits.allowances import Allowance, spend
from crm.limits.clients import client_network


class TooManyAttempts(Exception):
    """No password is looked at before `seconds` are over."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many passwords were tried. Wait {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True)
class Attempt:
    """A password that is about to be looked at."""

    allowances: tuple[Allowance, ...]

    def succeeded(self) -> None:
        """Stop counting an attempt whose password was right."""
        for allowance in self.allowances:
            allowance.give_back()


def begin_attempt(request: HttpRequest, username: str) -> Attempt:
    """Count the attempt. Raises TooManyAttempts."""
    account = _digest(unicodedata.normalize("NFKC", username).casefold())
    if browser := id_of_known_browser(request, username):
        counted = [_spend(f"{account}:browser:{browser}", settings.LOGIN_RATE)]
    else:
        address = _digest(client_network(request))
        counted = [
            _spend(f"{account}:{address}", settings.LOGIN_RATE),
            _spend(f"address:{address}", settings.LOGIN_ADDRESS_RATE),
        ]
        if not _exceeded(counted):  # else one address could use up what all others have together
            counted.append(_spend(account, settings.LOGIN_ACCOUNT_RATE))
    if exceeded := _exceeded(counted):
        raise TooManyAttempts(max(allowance.seconds_left for allowance in exceeded))
    return Attempt(tuple(counted))


def _spend(what: str, rate: str) -> Allowance:
    """Without the cache each process counts for itself: an outage must not open the accounts."""
    return spend(f"login:{what}", rate, even_alone=True)


def _exceeded(counted: list[Allowance]) -> list[Allowance]:
    return [allowance for allowance in counted if allowance.remaining is not None and allowance.remaining < 0]


def _digest(value: str) -> str:
    """Return what names the value in a counter, whatever its length and characters."""
    return hashlib.sha256(value.encode(errors="replace")).hexdigest()[:32]
