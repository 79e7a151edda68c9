"""Writes reports for people: one HTML file that holds its figures, which also lie beside it as PNGs."""

import base64
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from matplotlib.figure import Figure

from training.errors import TrainingError

DOTS_PER_INCH = 110
TEMPLATES = Environment(loader=PackageLoader("training.figures", "templates"), autoescape=select_autoescape())


@dataclass(frozen=True, slots=True)
class ReportFigure:
    name: str  # of the PNG, without the ending
    figure: Figure
    caption: str  # also for people who cannot see it


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: str = ""
    figures: Sequence[ReportFigure] = ()
    table: pd.DataFrame | None = None  # shown as it is, so numbers must be formatted before


def write_report(folder: Path, title: str, introduction: str, sections: Sequence[Section]) -> Path:
    """Write `folder`/report.html, which needs no other file and no network, and the figures as PNGs; return the page.

    Files of an earlier report are replaced, and figures that only the earlier report has are removed. Raises
    TrainingError if the files cannot be written; the earlier report then stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as temporary:
            unfinished = Path(temporary)
            pictures = {each.name: _picture(each, unfinished) for section in sections for each in section.figures}
            page = TEMPLATES.get_template("report.html").render(
                title=title, introduction=introduction, sections=sections, pictures=pictures
            )
            (unfinished / "report.html").write_text(page, encoding="utf-8")
            earlier = _earlier_pictures(folder)
            for file in unfinished.iterdir():
                shutil.move(file, folder / file.name)
            for file in earlier:
                if file.stem not in pictures:
                    file.unlink()
    except OSError as error:
        raise TrainingError(f"The report cannot be written to {folder} ({error.strerror or error}).") from error
    return folder / "report.html"


def _earlier_pictures(folder: Path) -> list[Path]:
    """Find the PNGs of the report in the folder. They are also in its page, which tells them from other files."""
    page = folder / "report.html"
    held = page.read_bytes() if page.is_file() else b""
    return [file for file in folder.glob("*.png") if base64.b64encode(file.read_bytes()) in held]


def _picture(shown: ReportFigure, folder: Path) -> str:
    """Save the figure as a PNG and return it as a data URL."""
    file = folder / f"{shown.name}.png"
    shown.figure.savefig(file, dpi=DOTS_PER_INCH)
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
