"""Reads photos in processes of their own, so that a hostile photo harms nobody.

The functions are those of ml.image, but no decoder is loaded in the process that calls them.

See docs/decisions/013-photos-are-decoded-in-a-process-of-their-own.md.
"""

from ml.sandbox.calls import accept_photo, check_photo, decode, render_preview, start_sandbox

__all__ = ["accept_photo", "check_photo", "decode", "render_preview", "start_sandbox"]
