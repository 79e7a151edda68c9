"""On which database the tests run."""

import dj_database_url
from django.conf import settings
from django.db import connections

from crm.settings import database


def use_database(url: str, test_name: str | None = None) -> None:
    """Let Django's default connection lead to another database, whatever its engine."""
    settings.DATABASES = {"default": database(dict(dj_database_url.parse(url))) | {"TEST": {"NAME": test_name}}}
    connections.close_all()
    connections.settings = connections.configure_settings(settings.DATABASES)
    connections["default"]  # makes one if there is none
    del connections["default"]  # the next use makes one with the new settings
