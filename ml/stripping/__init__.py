"""A photo's file without what it says beside the picture: where it was taken, by whom, and what follows its end."""

from ml.stripping.photos import without_metadata

__all__ = ["without_metadata"]
