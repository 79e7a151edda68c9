"""python -m training knn: scores the baseline without a network."""

import argparse
import json
import time
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, positive
from training.data.dataset import LABELLINGS
from training.data.duplicates import find_new_images
from training.data.sources import load_faces
from training.figures.metrics import format_table, measure
from training.fit.baseline.config import (
    CELL_SIDES,
    FEATURE_KINDS,
    METRICS,
    NORMALISATIONS,
    SELECTIONS,
    WEIGHTS,
    WITH_COMPONENTS,
    KnnConfig,
)

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "knn",
        run,
        "score the baseline without a network: hand-made features and the nearest neighbours",
        when_stopped="Nothing was written.",
    )
    command.set_defaults(wrong_usage=command.error)
    add_data_options(command)
    _add_choices(command, KnnConfig())
    command.add_argument(
        "--split",
        choices=["validation", "test"],
        default="validation",
        help="split to score; use validation to choose between settings (%(default)s)",
    )
    command.add_argument(
        "--labels", choices=LABELLINGS, default="fer", help="labels to learn and to compare with (%(default)s)"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _add_choices(command: argparse.ArgumentParser, default: KnnConfig) -> None:
    command.add_argument(
        "--normalisation",
        choices=NORMALISATIONS,
        default=default.normalisation,
        help="intensity gives each face the same mean and contrast; equalise makes all grey levels equally frequent; "
        "clahe does that within each part of the face (%(default)s)",
    )
    command.add_argument(
        "--features",
        choices=FEATURE_KINDS,
        default=default.features,
        help="edges (hog), textures (lbp), both or grey levels (%(default)s)",
    )
    command.add_argument(
        "--cell",
        type=int,
        choices=CELL_SIDES,
        default=default.cell,
        help="for hog and lbp: side in pixels of the squares into which a face is divided (%(default)s)",
    )
    command.add_argument(
        "--selection",
        choices=SELECTIONS,
        default=default.selection,
        help="selection of features: variance drops those that hardly vary; anova then keeps the N best, and pca "
        "makes N new ones (%(default)s)",
    )
    command.add_argument(
        "--min-variance",
        type=positive(float),
        metavar="V",
        help=f"drop features with no more variance than this ({default.min_variance})",
    )
    command.add_argument(
        "--components",
        type=positive(int),
        metavar="N",
        help=f"for anova and pca: number of features, or fewer if there are fewer ({default.components})",
    )
    command.add_argument(
        "--neighbours",
        type=positive(int),
        metavar="K",
        default=default.neighbours,
        help="number of neighbours that vote (%(default)s)",
    )
    command.add_argument(
        "--metric",
        choices=METRICS,
        default=default.metric,
        help="how the distance between two faces is measured (%(default)s)",
    )
    command.add_argument(
        "--weights",
        choices=WEIGHTS,
        default=default.weights,
        help="distance lets near neighbours count more (%(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.components and options.selection not in WITH_COMPONENTS:
        options.wrong_usage(f"--components goes with --selection {' or '.join(WITH_COMPONENTS)}")
    if options.min_variance is not None and options.selection == "none":
        options.wrong_usage("--min-variance does not go with --selection none")
    given = {field.name: getattr(options, field.name) for field in fields(KnnConfig)}
    config = KnnConfig(**{name: value for name, value in given.items() if value is not None})
    from training.fit.baseline.knn import (
        classify,
        keep_labelled,
        learn,
    )  # here, because scikit-learn takes seconds to load

    data = load_faces(options.data, options.cache, options.votes).named_after(options.data)
    train, scored = (keep_labelled(data.split(name), options.labels) for name in ("train", options.split))
    started = time.perf_counter()
    predictions = classify(learn(train, config), scored.faces)
    seconds = time.perf_counter() - started
    metrics = measure(scored.labels, predictions)
    new = find_new_images(replace(data, splits={"train": train, options.split: scored}), options.split)
    unseen = measure(scored.labels[new], predictions[new]) if new.any() else None
    if options.json:
        settings = asdict(config) | {"data": data.name, "split": options.split, "labels": options.labels}
        figures = asdict(metrics) | {"without_near_duplicates": unseen and asdict(unseen)}
        print(json.dumps({"model": "knn"} | settings | {"seconds": round(seconds, 1)} | figures))
        return
    print(format_table(metrics))
    if unseen:
        print(f"\nWithout near-duplicates of training faces: {format_table(unseen).splitlines()[0]}")
    print(f"\nLearned and classified in {seconds:.0f} s")
