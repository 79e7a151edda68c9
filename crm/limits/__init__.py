"""Limit how often a client may send requests, counted by all processes together."""
