"""schemathesis loads this module: for a file it sends photos of the folder in which it runs, and what is none."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PHOTOS = [photo.read_bytes() for photo in sorted(Path().glob("*.jpg"))]

schemathesis.openapi.format("binary", st.sampled_from(PHOTOS) | st.binary(max_size=200))
