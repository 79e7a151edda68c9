"""The faces that are hard to name, and the labels that are probably wrong."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from training.eda.collection import Collection
from training.eda.neighbours import Neighbours
from training.eda.pictures import mosaic
from training.report import ReportFigure, Section
from training.votes import NO_MAJORITY, Votes

COLUMNS = 10
EXAMPLES = 2 * COLUMNS
CLEAR = 0.8  # share of the votes, or of the neighbours, that must name one other class
COMMONEST = 10
SHORT = [*EMOTIONS, "contempt", "unknown", "no face"]  # the columns of the votes

Rows = NDArray[np.int64]  # (n,), indices of faces


def hardest(collection: Collection, neighbours: Neighbours) -> Section:
    far = _strangest(neighbours)[:EXAMPLES]
    captions = [EMOTIONS[collection.labels[row]] for row in far]
    text = (
        "Strange faces are those whose ten most similar others are the least similar: often odd crops, drawings, hands."
    )
    figures = [_figure("strangest", collection, far, captions, "The faces least like any other, with their label.")]
    if collection.votes:
        divided = divisions(collection.votes)
        rows = np.argsort(-divided, kind="stable")[:EXAMPLES]
        captions = [f"{EMOTIONS[collection.labels[row]]}:\n{_votes(collection.votes.counts[row])}" for row in rows]
        caption = "The faces on which the votes are most divided: FER-2013's label, then the three classes most seen."
        figures.insert(0, _figure("most-divided", collection, rows, captions, caption))
        text = f"{_how_divided(collection.votes)}\n{text}"
    return Section("Hardest faces", text, figures)


def probably_mislabelled(collection: Collection, neighbours: Neighbours) -> Section:
    if collection.votes:
        rows, seen = contradicted_by_votes(collection.labels, collection.votes)
        who = f"at least {CLEAR:.0%} of the FER+ votes name one class, and it is not FER-2013's label"
        doubt = ""
    else:
        rows, seen = contradicted_by_neighbours(collection.labels, neighbours)
        who = f"at least {CLEAR:.0%} of the most similar faces carry one other label, and none its own"
        doubt = " This is a hint only: similar edges are often another expression. FER+'s votes (--votes) say more."
    text = f"For {len(rows):,} faces ({len(rows) / len(collection):.1%}) {who}.{doubt}"
    if not len(rows):
        return Section("Probably mislabelled", text)
    shown = _of_every_kind(collection.labels[rows], seen)[:EXAMPLES]
    captions = [
        f"{EMOTIONS[collection.labels[row]]}\nrather {EMOTIONS[other]}"
        for row, other in zip(rows[shown], seen[shown], strict=True)
    ]
    caption = "Probably mislabelled faces: the label, then what is rather seen; the clearest of each kind first."
    figure = _figure("mislabelled", collection, rows[shown], captions, caption)
    return Section("Probably mislabelled", text, [figure], _commonest(collection.labels[rows], seen))


def divisions(votes: Votes) -> NDArray[np.float64]:
    """The entropy in bits of each face's ten votes, contempt and unknown included: 0 where all agree."""
    shares = votes.counts / np.maximum(votes.counts.sum(axis=1, keepdims=True), 1)
    entropy: NDArray[np.float64] = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
    return entropy


def contradicted_by_votes(labels: NDArray[np.int64], votes: Votes) -> tuple[Rows, NDArray[np.int64]]:
    """Faces that nearly all voters see as another class than their label, and that class; the clearest first."""
    majority = votes.majority()
    share = votes.counts.max(axis=1) / np.maximum(votes.counts.sum(axis=1), 1)
    rows = np.flatnonzero((majority != NO_MAJORITY) & (majority != labels) & (share >= CLEAR))
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return rows, majority[rows]


def contradicted_by_neighbours(labels: NDArray[np.int64], neighbours: Neighbours) -> tuple[Rows, NDArray[np.int64]]:
    """Faces none of whose neighbours has their label and nearly all have one other, and that; the clearest first."""
    seen = neighbours.labels_seen(labels)
    own = seen[np.arange(len(labels)), labels]
    share = seen.max(axis=1) / seen.sum(axis=1)
    rows = np.flatnonzero((own == 0) & (share >= CLEAR))
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return rows, seen[rows].argmax(axis=1)


def _strangest(neighbours: Neighbours) -> Rows:
    return np.argsort(-neighbours.distance.mean(axis=1), kind="stable")


def _how_divided(votes: Votes) -> str:
    heard = votes.counts.max(axis=1) / np.maximum(votes.counts.sum(axis=1), 1)
    return (
        f"All voters agree on {(heard == 1).mean():.1%} of the faces; on {(heard <= 0.5).mean():.1%} no class has more "
        "than half of the votes (FER+)."
    )


def _votes(counts: NDArray[np.uint8]) -> str:
    most = np.argsort(-counts.astype(int), kind="stable")[:3]
    return "\n".join(f"{counts[column]} {SHORT[column]}" for column in most if counts[column])


def _of_every_kind(labels: NDArray[np.int64], seen: NDArray[np.int64]) -> Rows:
    """An order that takes one of each (label, seen) in turn, so that the commonest confusion is not all that shows."""
    turn = pd.DataFrame({"label": labels, "seen": seen}).groupby(["label", "seen"]).cumcount().to_numpy()
    return np.argsort(turn, kind="stable")


def _commonest(labels: NDArray[np.int64], seen: NDArray[np.int64]) -> pd.DataFrame:
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(counts, (labels, seen), 1)
    order = np.argsort(-counts.ravel(), kind="stable")[:COMMONEST]
    places = zip(*np.unravel_index(order, counts.shape), strict=True)
    rows = [(EMOTIONS[label], EMOTIONS[other], f"{counts[label, other]:,}") for label, other in places]
    return pd.DataFrame([row for row in rows if row[2] != "0"], columns=["label", "rather", "faces"])


def _figure(name: str, collection: Collection, rows: Rows, captions: Sequence[str], caption: str) -> ReportFigure:
    return ReportFigure(name, mosaic(collection.faces[rows], captions, COLUMNS), caption)
