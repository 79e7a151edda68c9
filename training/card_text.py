"""How a card is written. Loads no training framework."""

import json
import re
from typing import Any


def card_text(card: dict[str, Any]) -> str:
    """The card as JSON, with lists of numbers and objects without others on one line each, so that it can be read."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d\s,]+\]|\{[^{}\[\]]+\}", lambda found: re.sub(r"\s+", " ", found[0]), text) + "\n"
