"""Mark a state with a coloured badge."""

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(text: str, look: str = "") -> SafeString:
    """Return the HTML of a badge.

    `look` is the end of a style's name in workspace.css, such as "active" or "failed"; empty for the neutral one.
    """
    return format_html('<span class="rp-badge{}">{}</span>', f" rp-badge--{look}" if look else "", text)
