"""Run PyPI `fer` on some photos, and print one JSON object a line. It runs in fer's environment, without this project.

Run it as `python peers_fer.py haar|mtcnn PHOTO...`.
"""

import importlib
import json
import sys


def main() -> int:
    mode, *files = sys.argv[1:]
    if mode == "mtcnn":
        importlib.import_module("torchvision")  # it crashes if TensorFlow, which fer loads, is loaded first
    import cv2
    from fer.fer import FER

    fer = FER(mtcnn=mode == "mtcnn")
    for file in files:
        faces = fer.detect_emotions(cv2.imread(file))
        boxes = [dict(zip(("x", "y", "width", "height"), map(int, face["box"]), strict=True)) for face in faces]
        print(json.dumps({"file": file, "faces": [{"box": box} for box in boxes]}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
