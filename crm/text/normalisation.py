"""Bring text into one normal form for storage, and into another for comparison."""

import re
import unicodedata

# Unicode calls these letters or symbols, but they show nothing: fillers of Hangul, and Braille without dots.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# These are control characters, separators, and marks that need another character. "Co" and "Cn" are missing, because
# fonts may show private characters and characters that are newer than this Python.
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Me", "Mn"})
# Unicode does not decompose these letters. People whose keyboard lacks them write them like this. The last one is the
# Turkish i without a dot.
SPELT_OUT = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
        "\u0131": "i",
    }
)
# Phones and word processors insert these apostrophes, dashes and quotation marks by themselves.
PUNCTUATION = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u2032\u00b4", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u201c\u201d\u201e\u2033", '"')
)
PHONE = re.compile(r"[\d+()./-]*\d[\d+()./-]*")
TRUNK_ZERO = "(0)"  # nobody dials it from abroad
NO_PART_OF_NUMBER = re.compile(r"[^\d+]")


def normal(text: str) -> str:
    """Return the text with letters and accents composed (NFC), so that equal texts have equal characters."""
    return unicodedata.normalize("NFC", text)


def is_visible(text: str) -> bool:
    """Return whether anything of the text can be seen."""
    return any(each not in BLANKS and unicodedata.category(each) not in INVISIBLE for each in text)


def folded(text: str) -> str:
    """Return the text for comparison: without case, accents, ligatures and invisible characters, with ASCII digits."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(PUNCTUATION))
    letters = unicodedata.normalize("NFKD", decomposed.casefold()).translate(SPELT_OUT | PUNCTUATION)
    return "".join(_digit(each) for each in letters if not _is_left_out(each))


def dialled(phone: str) -> str:
    """Return the digits and "+" to dial, without the trunk zero: "+46 (0)8-12 34" becomes "+4681234"."""
    return NO_PART_OF_NUMBER.sub("", folded(phone).replace(TRUNK_ZERO, ""))


def may_be_of_phone(word: str) -> bool:
    return PHONE.fullmatch(folded(word)) is not None


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character, character))


def _is_left_out(character: str) -> bool:
    return (
        unicodedata.combining(character) > 0
        or unicodedata.category(character) == "Cf"
        or _is_variation_selector(character)
    )


def _is_variation_selector(character: str) -> bool:
    """Return whether the character only says how the one before it is drawn."""
    return "\ufe00" <= character <= "\ufe0f"
