from pathlib import Path

import pytest

from ml.detection.mtcnn import MtcnnDetector
from ml.pipeline import EmotionPipeline


@pytest.fixture(scope="session")
def pipeline(model_folder: Path) -> EmotionPipeline:
    return EmotionPipeline.load("reference-cnn", models_dir=model_folder)


@pytest.fixture(scope="session")
def detector() -> MtcnnDetector:
    return MtcnnDetector()
