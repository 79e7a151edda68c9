"""Draws boxes and labels of faces on copies of photos."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ml.photo import DecodedPhoto
from ml.report import describe_appearance
from ml.types import FaceDetection, FaceEmotion

LONG_SIDE = 1600  # pixels of the copies
COLOUR = (255, 214, 10)
INK = (20, 20, 20)


def annotate_photo(photo: DecodedPhoto, faces: tuple[FaceEmotion | FaceDetection, ...]) -> Image.Image:
    """Draw on a copy of the photo whose long side is at most LONG_SIDE, and return the copy."""
    picture = Image.fromarray(np.ascontiguousarray(photo.image))
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    scale = max(photo.width, photo.height) / max(picture.size)
    drawing = ImageDraw.Draw(picture)
    for face in faces:
        _draw(drawing, face, scale, picture.size)
    return picture


def save_as_new(picture: Image.Image, source: Path, folder: Path) -> Path:
    """Save as a JPEG under a new name made from the source's, and return the file. No file is overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{source.stem}.annotated.jpg", *(f"{source.stem}.annotated-{number}.jpg" for number in range(2, 10_000))]
    for name in names:
        try:
            with (folder / name).open("xb") as file:
                picture.save(file, "JPEG", quality=90)
            return folder / name
        except FileExistsError:
            continue
    raise FileExistsError(f"All names for {source.name} in {folder} are taken.")


def _draw(drawing: ImageDraw.ImageDraw, face: FaceEmotion | FaceDetection, scale: float, size: tuple[int, int]) -> None:
    box = face.box if isinstance(face, FaceDetection) else face.detection.box
    label = f"face {face.confidence:.0%}" if isinstance(face, FaceDetection) else describe_appearance(face)
    left, top = box.x / scale, box.y / scale
    right, bottom = (box.x + box.width) / scale - 1, (box.y + box.height) / scale - 1
    thickness = max(round(max(size) / 400), 1)
    drawing.rectangle((left, top, max(right, left), max(bottom, top)), outline=COLOUR, width=thickness)
    font = ImageFont.load_default(max(max(size) / 45, 11))
    _, _, width, height = (round(each) for each in drawing.textbbox((0, 0), label, font=font))
    x = min(max(left, 0), max(size[0] - width - 6, 0))
    y = top - height - 6 if top >= height + 6 else min(bottom + 1, size[1] - height - 6)
    drawing.rectangle((x, y, x + width + 6, y + height + 6), fill=COLOUR)
    drawing.text((x + 3, y + 2), label, fill=INK, font=font)
