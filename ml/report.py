"""Formats analysed photos for the command line: as a line of JSON, or as text for people."""

from dataclasses import asdict
from typing import Any

from ml.labels import EMOTIONS
from ml.pipeline import PhotoDetection
from ml.types import BoundingBox, FaceDetection, FaceEmotion, PhotoAnalysis


def format_analysis_as_json(file: str, analysis: PhotoAnalysis) -> dict[str, Any]:
    """Return the documented keys; boxes and landmarks in pixels of the upright original, times in milliseconds."""
    return {
        "file": file,
        "width": analysis.width,
        "height": analysis.height,
        "model": analysis.model,
        "detector": analysis.detector,
        "ms": {stage: round(spent, 2) for stage, spent in asdict(analysis.timings).items()},
        "faces": [_format_face_as_json(face) for face in analysis.faces],
    }


def _format_face_as_json(face: FaceEmotion) -> dict[str, Any]:
    return _format_place_as_json(face.detection) | {
        "scores": {emotion.value: round(score, 6) for emotion, score in zip(EMOTIONS, face.scores, strict=True)},
        "dominant_emotion": face.dominant_emotion.value,
    }


def _format_place_as_json(face: FaceDetection) -> dict[str, Any]:
    return {
        "box": asdict(face.box),
        "confidence": round(face.confidence, 4),
        "landmarks": {name: [round(x, 1), round(y, 1)] for name, (x, y) in asdict(face.landmarks).items()},
    }


def format_detection_as_json(file: str, found: PhotoDetection) -> dict[str, Any]:
    """Return the same keys as format_analysis_as_json, except for what the faces show."""
    return {
        "file": file,
        "width": found.width,
        "height": found.height,
        "detector": found.detector,
        "ms": {"decode": round(found.decode_ms, 2), "detect": round(found.detect_ms, 2)},
        "faces": [_format_place_as_json(face) for face in found.faces],
    }


def format_detection_as_text(file: str, found: PhotoDetection) -> str:
    """Return a heading, and a line for each face."""
    spent = found.decode_ms + found.detect_ms
    heading = f"{file}  {found.width} x {found.height}  {_count_faces(len(found.faces))}  {spent:.0f} ms"
    return "\n".join([heading, *(f"  {_format_place(face.box):<26}face {face.confidence:.0%}" for face in found.faces)])


def format_analysis_as_text(file: str, analysis: PhotoAnalysis) -> str:
    """Return a heading, and a line for each face."""
    spent = analysis.timings.total
    heading = f"{file}  {analysis.width} x {analysis.height}  {_count_faces(len(analysis.faces))}  {spent:.0f} ms"
    return "\n".join([heading, *(_format_face_as_text(face) for face in analysis.faces)])


def _count_faces(faces: int) -> str:
    return {0: "no face found", 1: "1 face"}.get(faces, f"{faces} faces")


def _format_face_as_text(face: FaceEmotion) -> str:
    ranked = sorted(zip(face.scores, EMOTIONS, strict=True), reverse=True)
    others = ", ".join(f"{emotion} {score:.0%}" for score, emotion in ranked[1:3])
    return f"  {_format_place(face.detection.box):<26}{describe_appearance(face):<24}{others}"


def _format_place(box: BoundingBox) -> str:
    return f"{box.width} x {box.height} at {box.x}, {box.y}"


def describe_appearance(face: FaceEmotion) -> str:
    """Return for example "appears happy 87%", which never says that a person is happy."""
    return f"appears {face.dominant_emotion} {face.confidence:.0%}"
