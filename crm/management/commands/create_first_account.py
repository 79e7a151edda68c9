"""Create the first account, for `make run` and for new installations."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from crm.accounts.models import User

USERNAME = "admin"


class Command(BaseCommand):
    help = "Create the first staff account, unless there is one, and print its password once."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_staff=True).exists():
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(USERNAME, password=password)
        self.stdout.write(f"Your first account: user name {USERNAME}, password {password}")
        self.stdout.write("The password is shown only now. Change it after you have logged in.")
