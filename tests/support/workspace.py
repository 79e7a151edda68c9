"""A member of staff at the browser."""

import re
from html import unescape

from django.test import Client

from crm.models import User
from tests.support.factories import UserFactory


def browser_of(user: User | None = None) -> Client:
    """A client logged in as this or a new member of staff."""
    client = Client()
    client.force_login(user or UserFactory())
    return client


def text_of(page: bytes) -> str:
    """The page without its markup, each run of white space as one space."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.decode())).split())
