"""Read photos in processes of their own, so that a hostile one harms nobody: as ml.image, and loads no decoder here.

See docs/decisions/013-photos-are-decoded-in-a-process-of-their-own.md.
"""

from ml.sandbox.calls import accept_photo, check_photo, decode, get_ready, render_preview

__all__ = ["accept_photo", "check_photo", "decode", "get_ready", "render_preview"]
