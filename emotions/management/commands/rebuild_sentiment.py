"""python manage.py rebuild_sentiment [--check] [--after N]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from emotions.sentiment.points import rebuild
from emotions.snapshots.models import Snapshot


class Command(BaseCommand):
    help = (
        "Compare the copy that sentiment is read from with the records and corrections, and make right what differs."
        " Staff and workers may go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; end with 1 if something differs")
        parser.add_argument("--after", type=int, default=0, metavar="N", help="go on where an earlier run was stopped")

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
                raise CommandError(f"Stopped. Go on with --after {reached}.", returncode=130) from None
        found = f"{differed} of {total} snapshots {'differs' if differed == 1 else 'differ'}"
        if check and differed:
            raise CommandError(f"{found}. Run rebuild_sentiment without --check.")
        self.stdout.write(f"{found}{', and are right now' if differed else ''}.")
