"""python manage.py rebuild_sentiment [--check] [--after N]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from emotions.sentiment.points import rebuild
from emotions.snapshots.models import Snapshot


class Command(BaseCommand):
    help = (
        "Compare the sentiment of every photo with its records and corrections, and correct what differs."
        " Staff and workers can go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if something differs")
        parser.add_argument("--after", type=int, default=0, metavar="N", help="continue where a run was stopped")

    def handle(self, *args: Any, check: bool, after: int, **options: Any) -> None:
        differed, reached = 0, after
        total = Snapshot.objects.filter(pk__gt=after).count()
        with tqdm(total=total, unit="snapshot", disable=None) as progress:
            try:
                for batch in rebuild(after=after, write=not check):
                    reached = batch.last
                    differed += batch.differing
                    progress.update(batch.compared)
            except KeyboardInterrupt:
                raise CommandError(f"Stopped. Continue with --after {reached}.", returncode=130) from None
        found = f"{differed} of {total} snapshots {'differs' if differed == 1 else 'differ'}"
        if check and differed:
            raise CommandError(f"{found}. Run rebuild_sentiment without --check.")
        self.stdout.write(f"{found}{' and were corrected' if differed else ''}.")
