"""Play a member of staff at the browser."""

import re
from html import unescape

from django.test import Client

from crm.models import User
from tests.support.factories import UserFactory


def browser_of(user: User | None = None) -> Client:
    """Return a client that is logged in as this member of staff, or as a new one."""
    client = Client()
    client.force_login(user or UserFactory())
    return client


def text_of(page: bytes) -> str:
    """Return the page without its markup, with each run of white space as one space."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.decode())).split())
