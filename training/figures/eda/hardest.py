"""Shows faces that are hard to name, and labels that are probably wrong."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from training.data.votes import NO_MAJORITY, Votes
from training.figures.eda.collection import Collection
from training.figures.eda.neighbours import Neighbours
from training.figures.eda.pictures import draw_mosaic
from training.figures.report import ReportFigure, Section

COLUMNS = 10
EXAMPLES = 2 * COLUMNS
CLEAR = 0.8  # share of the votes, or of the neighbours, that must name the same other class
COMMONEST = 10
VOTE_NAMES = [*EMOTIONS, "contempt", "unknown", "no face"]  # the columns of the votes

Rows = NDArray[np.int64]  # (n,), indices of faces


def describe_hardest_faces(collection: Collection, neighbours: Neighbours) -> Section:
    """Show the faces with the most divided votes, and those least like any other."""
    far = _order_by_strangeness(neighbours)[:EXAMPLES]
    captions = [EMOTIONS[collection.labels[row]] for row in far]
    text = (
        "Strange faces are those whose ten most similar others are the least similar: often odd crops, drawings, hands."
    )
    figures = [_draw_faces("strangest", collection, far, captions, "The faces least like any other, with their label.")]
    if collection.votes:
        divided = measure_division(collection.votes)
        rows = np.argsort(-divided, kind="stable")[:EXAMPLES]
        captions = [
            f"{EMOTIONS[collection.labels[row]]}:\n{_format_votes(collection.votes.counts[row])}" for row in rows
        ]
        caption = "The faces on which the votes are most divided: FER-2013's label, then the three classes most seen."
        figures.insert(0, _draw_faces("most-divided", collection, rows, captions, caption))
        text = f"{_describe_division(collection.votes)}\n{text}"
    return Section("Hardest faces", text, figures)


def describe_mislabelled_faces(collection: Collection, neighbours: Neighbours) -> Section:
    """Show the faces whose label votes contradict, or without votes their neighbours."""
    if collection.votes:
        rows, seen = find_contradicted_by_votes(collection.labels, collection.votes)
        who = f"at least {CLEAR:.0%} of the FER+ votes name one class, and it is not FER-2013's label"
        doubt = ""
    else:
        rows, seen = find_contradicted_by_neighbours(collection.labels, neighbours)
        who = f"at least {CLEAR:.0%} of the most similar faces carry one other label, and none its own"
        doubt = " This is a hint only: similar edges are often another expression. FER+'s votes (--votes) say more."
    text = f"For {len(rows):,} faces ({len(rows) / len(collection):.1%}) {who}.{doubt}"
    if not len(rows):
        return Section("Probably mislabelled", text)
    shown = _order_by_turns(collection.labels[rows], seen)[:EXAMPLES]
    captions = [
        f"{EMOTIONS[collection.labels[row]]}\nrather {EMOTIONS[other]}"
        for row, other in zip(rows[shown], seen[shown], strict=True)
    ]
    caption = "Probably mislabelled faces: the label, then what is rather seen; the clearest of each kind first."
    figure = _draw_faces("mislabelled", collection, rows[shown], captions, caption)
    return Section("Probably mislabelled", text, [figure], _tabulate_commonest(collection.labels[rows], seen))


def measure_division(votes: Votes) -> NDArray[np.float64]:
    """Return the entropy in bits of each face's ten votes, with contempt and unknown: 0 where all agree."""
    shares = votes.counts / np.maximum(votes.counts.sum(axis=1, keepdims=True), 1)
    entropy: NDArray[np.float64] = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
    return entropy


def find_contradicted_by_votes(labels: NDArray[np.int64], votes: Votes) -> tuple[Rows, NDArray[np.int64]]:
    """Find the faces that nearly all voters see as a class other than the label; the clearest come first.

    Returns the rows and the class that is seen in each.
    """
    majority = votes.majority()
    share = votes.counts.max(axis=1) / np.maximum(votes.counts.sum(axis=1), 1)
    rows = np.flatnonzero((majority != NO_MAJORITY) & (majority != labels) & (share >= CLEAR))
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return rows, majority[rows]


def find_contradicted_by_neighbours(
    labels: NDArray[np.int64], neighbours: Neighbours
) -> tuple[Rows, NDArray[np.int64]]:
    """Find the faces whose neighbours nearly all carry one other label, and none the same; the clearest come first.

    Returns the rows and the other label of each.
    """
    seen = neighbours.count_labels(labels)
    own = seen[np.arange(len(labels)), labels]
    share = seen.max(axis=1) / seen.sum(axis=1)
    rows = np.flatnonzero((own == 0) & (share >= CLEAR))
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return rows, seen[rows].argmax(axis=1)


def _order_by_strangeness(neighbours: Neighbours) -> Rows:
    return np.argsort(-neighbours.distance.mean(axis=1), kind="stable")


def _describe_division(votes: Votes) -> str:
    heard = votes.counts.max(axis=1) / np.maximum(votes.counts.sum(axis=1), 1)
    return (
        f"All voters agree on {(heard == 1).mean():.1%} of the faces; on {(heard <= 0.5).mean():.1%} no class has more "
        "than half of the votes (FER+)."
    )


def _format_votes(counts: NDArray[np.uint8]) -> str:
    most = np.argsort(-counts.astype(int), kind="stable")[:3]
    return "\n".join(f"{counts[column]} {VOTE_NAMES[column]}" for column in most if counts[column])


def _order_by_turns(labels: NDArray[np.int64], seen: NDArray[np.int64]) -> Rows:
    """Return an order that takes one of each (label, seen) in turn, so that rarer confusions are shown too."""
    turn = pd.DataFrame({"label": labels, "seen": seen}).groupby(["label", "seen"]).cumcount().to_numpy()
    return np.argsort(turn, kind="stable")


def _tabulate_commonest(labels: NDArray[np.int64], seen: NDArray[np.int64]) -> pd.DataFrame:
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(counts, (labels, seen), 1)
    order = np.argsort(-counts.ravel(), kind="stable")[:COMMONEST]
    places = zip(*np.unravel_index(order, counts.shape), strict=True)
    rows = [(EMOTIONS[label], EMOTIONS[other], f"{counts[label, other]:,}") for label, other in places]
    return pd.DataFrame([row for row in rows if row[2] != "0"], columns=["label", "rather", "faces"])


def _draw_faces(name: str, collection: Collection, rows: Rows, captions: Sequence[str], caption: str) -> ReportFigure:
    return ReportFigure(name, draw_mosaic(collection.faces[rows], captions, COLUMNS), caption)
