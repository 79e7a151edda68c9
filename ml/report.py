"""What the command line prints of an analysed photo: a JSON object a line, or a table for people."""

from dataclasses import asdict
from typing import Any

from ml.labels import EMOTIONS
from ml.pipeline import PhotoDetection
from ml.types import BoundingBox, FaceDetection, FaceEmotion, PhotoAnalysis


def as_json(file: str, analysis: PhotoAnalysis) -> dict[str, Any]:
    """The documented keys; boxes and landmarks in pixels of the upright original, times in milliseconds."""
    return {
        "file": file,
        "width": analysis.width,
        "height": analysis.height,
        "model": analysis.model,
        "detector": analysis.detector,
        "ms": {stage: round(spent, 2) for stage, spent in asdict(analysis.timings).items()},
        "faces": [_face_as_json(face) for face in analysis.faces],
    }


def _face_as_json(face: FaceEmotion) -> dict[str, Any]:
    return _place_as_json(face.detection) | {
        "scores": {emotion.value: round(score, 6) for emotion, score in zip(EMOTIONS, face.scores, strict=True)},
        "dominant_emotion": face.dominant_emotion.value,
    }


def _place_as_json(face: FaceDetection) -> dict[str, Any]:
    return {
        "box": asdict(face.box),
        "confidence": round(face.confidence, 4),
        "landmarks": {name: [round(x, 1), round(y, 1)] for name, (x, y) in asdict(face.landmarks).items()},
    }


def detection_as_json(file: str, found: PhotoDetection) -> dict[str, Any]:
    """As as_json, without what the faces show."""
    return {
        "file": file,
        "width": found.width,
        "height": found.height,
        "detector": found.detector,
        "ms": {"decode": round(found.decode_ms, 2), "detect": round(found.detect_ms, 2)},
        "faces": [_place_as_json(face) for face in found.faces],
    }


def detection_as_text(file: str, found: PhotoDetection) -> str:
    """A heading and a line for each face."""
    spent = found.decode_ms + found.detect_ms
    heading = f"{file}  {found.width} x {found.height}  {_count(len(found.faces))}  {spent:.0f} ms"
    return "\n".join([heading, *(f"  {_place(face.box):<26}face {face.confidence:.0%}" for face in found.faces)])


def as_text(file: str, analysis: PhotoAnalysis) -> str:
    """A heading and a line for each face."""
    timings = analysis.timings
    spent = timings.decode + timings.detect + timings.classify
    heading = f"{file}  {analysis.width} x {analysis.height}  {_count(len(analysis.faces))}  {spent:.0f} ms"
    return "\n".join([heading, *(_face_as_text(face) for face in analysis.faces)])


def _count(faces: int) -> str:
    return {0: "no face found", 1: "1 face"}.get(faces, f"{faces} faces")


def _face_as_text(face: FaceEmotion) -> str:
    ranked = sorted(zip(face.scores, EMOTIONS, strict=True), reverse=True)
    others = ", ".join(f"{emotion} {score:.0%}" for score, emotion in ranked[1:3])
    return f"  {_place(face.detection.box):<26}{appearance(face):<24}{others}"


def _place(box: BoundingBox) -> str:
    return f"{box.width} x {box.height} at {box.x}, {box.y}"


def appearance(face: FaceEmotion) -> str:
    """Never that a person is something: "appears happy 87%"."""
    return f"appears {face.dominant_emotion} {face.confidence:.0%}"
