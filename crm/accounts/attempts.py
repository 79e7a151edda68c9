"""Limit how many passwords may be tried. Attempts are counted before the password is hashed, because hashing is slow.

An attempt counts against the account from this address, the account from anywhere, and the address. A browser that
has logged in to the account before has a count of its own, so nobody elsewhere can lock its owner out.
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
    """No password is checked during the next `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many passwords were tried. Wait {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True)
class Attempt:
    """A password that is about to be checked."""

    allowances: tuple[Allowance, ...]

    def succeeded(self) -> None:
        """Take the attempt out of the count, because its password was right."""
        for allowance in self.allowances:
            allowance.give_back()


def begin_attempt(request: HttpRequest, username: str) -> Attempt:
    """Count an attempt to log in to this account. Raises TooManyAttempts."""
    account = _digest(unicodedata.normalize("NFKC", username).casefold())
    if browser := id_of_known_browser(request, username):
        counted = [_spend(f"{account}:browser:{browser}", settings.LOGIN_RATE)]
    else:
        address = _digest(client_network(request))
        counted = [
            _spend(f"{account}:{address}", settings.LOGIN_RATE),
            _spend(f"address:{address}", settings.LOGIN_ADDRESS_RATE),
        ]
        if not _exceeded(counted):  # otherwise one address could use up the allowance of all others
            counted.append(_spend(account, settings.LOGIN_ACCOUNT_RATE))
    if exceeded := _exceeded(counted):
        raise TooManyAttempts(max(allowance.seconds_left for allowance in exceeded))
    return Attempt(tuple(counted))


def _spend(counter: str, rate: str) -> Allowance:
    """Count even without the cache, in each process alone: an outage must not open the accounts."""
    return spend(f"login:{counter}", rate, even_alone=True)


def _exceeded(counted: list[Allowance]) -> list[Allowance]:
    return [allowance for allowance in counted if allowance.remaining is not None and allowance.remaining < 0]


def _digest(value: str) -> str:
    """Return a name for a counter, whatever the length and the characters of the value."""
    return hashlib.sha256(value.encode(errors="replace")).hexdigest()[:32]
