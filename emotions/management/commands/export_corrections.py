"""python manage.py export_corrections --out DIR"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from emotions.corrections.export import ExportRefused, export_corrections
from ml.errors import ModelUnavailable


class Command(BaseCommand):
    help = (
        "Write the faces that staff corrected to a folder for training: one subfolder for each emotion, and a manifest."
        " Only customers who agreed to this use are included, and only while EXPORT_CORRECTIONS is on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that is new or empty")

    def handle(self, *args: Any, out: Path, **options: Any) -> None:
        try:
            exported = export_corrections(out)
        except (ExportRefused, ModelUnavailable) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Nothing was exported: {error}. Correct that and start again.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was exported.", returncode=130) from None
        self.stdout.write(f"Exported {exported.faces} face{'' if exported.faces == 1 else 's'} to {out}.")
        if exported.unreadable:
            self.stderr.write(f"{exported.unreadable} more could not be exported: their photos are gone or broken.")
