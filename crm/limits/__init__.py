"""Limit how often somebody may ask, counted by all processes together."""
