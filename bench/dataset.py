"""Fill the PostgreSQL database of DATABASE_URL with the rows that the benches run on. Its tables must be empty.

The rows cover three years and 20 members of staff. Each member sees their own customers and the customers without an
owner; "bench-all" sees everyone. The same seed and end give the same rows. All photos share a few small files.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime


def fill(options: argparse.Namespace) -> int:
    """Fill the database and return the exit status. Needs Django set up."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from crm.models import Customer

    if connection.vendor != "postgresql":
        print("The benches run on PostgreSQL: name one in DATABASE_URL.", file=sys.stderr)
        return 1
    if Customer.objects.exists():
        print("The database holds customers already. Name an empty one in DATABASE_URL.", file=sys.stderr)
        return 1
    started = time.monotonic()
    with transaction.atomic():
        write(options)
        print("Checking the foreign keys and committing.", flush=True)
    call_command("rebuild_sentiment")
    with connection.cursor() as cursor:  # autovacuum would do the same after a while
        cursor.execute("VACUUM ANALYZE")
    print(f"Done in {time.monotonic() - started:.0f} s.")
    return 0


def write(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from bench import dataset_photos, dataset_rows
    from bench.copying import set_sequences

    total = options.customers + options.interactions + options.records
    with tqdm(total=total, unit="row", disable=None) as progress:
        source = dataset_rows.Source(options.seed, options.until, progress)
        owners = dataset_rows.write_people()
        dataset_rows.write_customers(source, options.customers, owners)
        interactions = dataset_rows.write_interactions(source, options.interactions, options.customers, owners)
        plan = dataset_photos.plan(source, options.records, *interactions)
        dataset_photos.Photos(source, owners[0]).write(plan)
    set_sequences()


def midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.dataset", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, metavar="N", help="(%(default)s)")
    parser.add_argument("--interactions", type=int, default=500_000, metavar="N", help="(%(default)s)")
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N", help="emotion records (%(default)s)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--until", type=_day, default=midnight(), metavar="YYYY-MM-DD", help="end of the three years (today, 0:00 UTC)"
    )
    return parser


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def main() -> int:
    options = build_parser().parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    return fill(options)


if __name__ == "__main__":
    sys.exit(main())
