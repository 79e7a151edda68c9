"""schemathesis loads this module: where the API takes a file, photos of the folder in which it runs, and what is none."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PHOTOS = [photo.read_bytes() for photo in sorted(Path().glob("*.jpg"))]

schemathesis.openapi.format("binary", st.sampled_from(PHOTOS) | st.binary(max_size=200))
