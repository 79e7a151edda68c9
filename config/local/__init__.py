"""How `make run` runs everything on one machine."""
