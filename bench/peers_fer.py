"""PyPI `fer` over some photos, in its own environment: a JSON object a line. Knows nothing of this project.

Called as `python peers_fer.py haar|mtcnn PHOTO...`.
"""

import importlib
import json
import sys


def main() -> int:
    mode, *files = sys.argv[1:]
    if mode == "mtcnn":
        importlib.import_module("torchvision")  # behind TensorFlow, which fer loads first, it crashes
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
