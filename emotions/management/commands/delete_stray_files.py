"""python manage.py delete_stray_files [--dry-run] [--minutes N]"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from emotions.snapshots.stray_files import GRACE, delete_stray_files, stray_files


class Command(BaseCommand):
    help = (
        "Delete files in the photo storage that belong to no photo of a customer. Processes that were killed leave"
        " them behind. The schedule runs this every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        minutes = int(GRACE.total_seconds() // 60)
        parser.add_argument("--dry-run", action="store_true", help="list the files and delete none")
        parser.add_argument(
            "--minutes",
            type=int,
            default=minutes,
            help="keep files younger than this, as their upload may still be running (default: %(default)s)",
        )

    def handle(self, *args: Any, dry_run: bool, minutes: int, **options: Any) -> None:
        grace = timedelta(minutes=minutes)
        if dry_run:
            for name in stray_files(grace):
                self.stdout.write(name)
            return
        self.stdout.write(f"{delete_stray_files(grace)} files deleted that belonged to no photo of a customer.")
