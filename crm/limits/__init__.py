"""How often somebody may ask, counted by all processes together."""
