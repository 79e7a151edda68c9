"""List the admin pages of emotions for Django."""

from emotions.snapshots import admin as snapshots

__all__ = ["snapshots"]
