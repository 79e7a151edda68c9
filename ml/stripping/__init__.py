"""Removes metadata from a photo's file: where it was taken, by whom, and whatever follows its end."""

from ml.stripping.photos import remove_metadata

__all__ = ["remove_metadata"]
