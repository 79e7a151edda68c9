"""Measure how much space a million snapshots take in the database, table by table, with indexes.

The bench starts its own PostgreSQL, fills it with fewer rows by bench.dataset, and scales the sizes up. Photos are as
large as cameras make them; a folder of examples gives their mean size.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MILLION = 1_000_000
BLOCK = 4096  # bytes; a file takes whole blocks
SIZES = """
SELECT relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid), greatest(reltuples, 0)
FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples > 0
ORDER BY 2 DESC
"""


def measure() -> dict[str, Any]:
    """Return the size of each table. Run this in its own process, on a database that bench.dataset has filled."""
    import django

    django.setup()
    from django.db import connection

    from emotions.models import Snapshot

    snapshots = Snapshot.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        rows = cursor.fetchall()
    tables = [
        {"table": name, "bytes": whole, "indexes": indexes, "rows": count} for name, whole, indexes, count in rows
    ]
    return {"snapshots": snapshots, "tables": tables, "bytes": sum(table["bytes"] for table in tables)}


def in_own_process(options: argparse.Namespace) -> dict[str, Any]:
    from tests.support.servers import postgres

    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": folder,
            "DATABASE_URL": server.url,
            "CELERY_BROKER_URL": "filesystem://",
        }
        records = str(options.records)
        each = ["--customers", str(options.records // 10), "--interactions", str(options.records // 2)]
        commands = (
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            [sys.executable, "-m", "bench.dataset", "--records", records, *each],
        )
        for command in commands:
            subprocess.run(command, check=True, env=environment, stdout=sys.stderr)  # noqa: S603
        here = [sys.executable, "-m", "bench.growth", "--here"]
        result = subprocess.run(here, check=True, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(result.stdout)
    if options.photos:
        sizes = [file.stat().st_size for file in options.photos.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg")]
        measured["photo_bytes"] = statistics.mean(-(-size // BLOCK) * BLOCK for size in sizes)
    return measured


def as_table(measured: dict[str, Any]) -> str:
    snapshots = measured["snapshots"]
    lines = [
        "| table | rows for a snapshot | bytes for a snapshot | of these indexes | GB for a million snapshots |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in measured["tables"]:
        size = row["bytes"] / snapshots
        if size >= 1:
            lines.append(
                f"| {row['table']} | {row['rows'] / snapshots:.2f} | {size:.0f} | {row['indexes'] / snapshots:.0f} |"
                f" {size * MILLION / 1e9:.2f} |"
            )
    whole = measured["bytes"] / snapshots
    lines += [f"| all | | {whole:.0f} | | {whole * MILLION / 1e9:.2f} |", "", f"Measured on {snapshots} snapshots."]
    if "photo_bytes" in measured:
        size = measured["photo_bytes"]
        lines.append(f"A photo of the folder: {size / 1000:.0f} kB; a million: {size * MILLION / 1e9:.0f} GB.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000, metavar="N", help="emotion records (%(default)s)")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="a folder of photos as they come in")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure()))
        return 0
    measured = in_own_process(options)
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
