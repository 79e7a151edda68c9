"""Let schemathesis, which loads this module, send the photos in its working folder, and files that are not photos."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PHOTOS = [photo.read_bytes() for photo in sorted(Path().glob("*.jpg"))]

schemathesis.openapi.format("binary", st.sampled_from(PHOTOS) | st.binary(max_size=200))
