"""Writes the chosen crop into a released model's card."""

import json
from pathlib import Path

from training.figures.crops import CropFigures
from training.files import write_atomically
from training.release.card_text import format_card

WEAK = 0.5  # a class with a recall or a precision below this is named among the card's limitations
MARK = "labelled whole photos it was right in"  # by which the sentence on whole photos is found again


def write_crop_to_card(crop: CropFigures, card_file: Path) -> None:
    """Let the model's card name this crop, its figures, and the classes it did badly on.

    The weights and the figures of the splits stay true. Raises TrainingError if the card cannot be written; it then
    stays as it was.
    """
    card = json.loads(card_file.read_text("utf-8"))
    card["preprocessing"] |= {"margin": crop.margin, "aligned": crop.aligned}
    card["whole_photos"] = crop.as_dict()
    others = [each for each in card.get("limitations", []) if MARK not in each]
    card["limitations"] = [*others, describe_limitation(crop)]
    write_atomically(card_file, lambda file: file.write_text(format_card(card), "utf-8"), "The card stays as it was.")


def describe_limitation(crop: CropFigures) -> str:
    """Say in a sentence what people should know of the model's answers on whole photos."""
    classes = {name: each for name, each in crop.metrics.classes.items() if each.images}
    missed = [f"{name} ({each.recall:.0%} right)" for name, each in classes.items() if each.recall < WEAK]
    doubtful = [f"{name} ({each.precision:.0%} right)" for name, each in classes.items() if 0 < each.precision < WEAK]
    parts = [
        *([f"missed most of those labelled {', '.join(missed)}"] if missed else []),
        *([f"was mostly wrong where it answered {', '.join(doubtful)}"] if doubtful else []),
    ]
    accuracy = f"On {crop.metrics.images:,} {MARK} {crop.metrics.accuracy:.0%}"
    return f"{accuracy}. It {', and '.join(parts)}." if parts else f"{accuracy}."
