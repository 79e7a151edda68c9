"""Formats a card. Loads no training framework."""

import json
import re
from typing import Any


def format_card(card: dict[str, Any]) -> str:
    """Return the card as readable JSON: lists of numbers and objects without inner ones take one line each."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d\s,]+\]|\{[^{}\[\]]+\}", lambda found: re.sub(r"\s+", " ", found[0]), text) + "\n"
