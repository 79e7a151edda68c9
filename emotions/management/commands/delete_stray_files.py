from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from emotions.snapshots.stray_files import GRACE, delete_stray_files, stray_files


class Command(BaseCommand):
    help = (
        "Delete files in the photo storage that belong to no snapshot: what processes left behind that were killed."
        " The schedule does so every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        minutes = int(GRACE.total_seconds() // 60)
        parser.add_argument("--dry-run", action="store_true", help="only name them")
        parser.add_argument(
            "--minutes",
            type=int,
            default=minutes,
            help="leave files alone that are younger: an upload may be under way (%(default)s)",
        )

    def handle(self, *args: Any, dry_run: bool, minutes: int, **options: Any) -> None:
        grace = timedelta(minutes=minutes)
        if dry_run:
            for name in stray_files(grace):
                self.stdout.write(name)
            return
        self.stdout.write(f"{delete_stray_files(grace)} files deleted that belonged to no snapshot.")
