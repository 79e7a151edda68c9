"""Reports photos that the data holds more than once, above all in different splits."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ml.labels import EMOTIONS
from training.data.duplicates import SAME_HASH, SAME_PHOTO, Pairs, find_pairs
from training.figures.eda.collection import Collection
from training.figures.eda.pictures import draw_mosaic
from training.figures.report import ReportFigure, Section

EXAMPLES = 10


def describe_copies(collection: Collection) -> Section:
    """Count and show near-duplicates, across splits and within them."""
    pairs = find_pairs(collection.faces)
    across = collection.split[pairs.first] != collection.split[pairs.second]
    figures = [
        ReportFigure(name, _examples(collection, pairs, np.flatnonzero(chosen)), caption)
        for name, chosen, caption in (
            (
                "copies-across",
                across,
                "Near-duplicates across splits, one above the other, from the surest to the last.",
            ),
            ("copies-within", ~across, "Near-duplicates within a split, one above the other."),
        )
        if chosen.any()
    ]
    return Section("Near-duplicates", _text(collection, pairs), figures, _table(collection, pairs))


def _text(collection: Collection, pairs: Pairs) -> str:
    how = (
        f"Two faces count as one photo if their perceptual hashes (64 bits) differ in at most {SAME_HASH} bits, "
        f"as they are or mirrored, and they correlate above {SAME_PHOTO} at half size. "
    )
    if not len(pairs):
        return f"{how}There are none."
    groups = group_copies(pairs, len(collection))
    sizes = np.bincount(groups)
    differing = collection.labels[pairs.first] != collection.labels[pairs.second]
    identical = (collection.faces[pairs.first] == collection.faces[pairs.second]).all(axis=(1, 2)) & ~pairs.mirrored
    return how + (
        f"{len(pairs):,} pairs do: {identical.sum():,} are the same in every pixel, {pairs.mirrored.sum():,} are "
        f"mirror images. Photos that are there more than once: {(sizes > 1).sum():,}, in {sizes[sizes > 1].sum():,} "
        f"faces, at most {sizes.max()} of one. {differing.mean():.1%} of the pairs carry two different labels.\n"
        "A network that is scored on a split whose photos it has learned looks better than it is."
    )


def group_copies(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """Number the photos: return for each of `count` faces its photo's number. A chain of pairs is one photo."""
    links = coo_array((np.ones(len(pairs), np.bool_), (pairs.first, pairs.second)), shape=(count, count))
    groups: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def _table(collection: Collection, pairs: Pairs) -> pd.DataFrame:
    """Count for each split the faces that have a near-duplicate in each split."""
    found = np.zeros((len(collection), len(collection.names)), np.bool_)
    found[pairs.first, collection.split[pairs.second]] = True
    found[pairs.second, collection.split[pairs.first]] = True
    rows = []
    for index, name in enumerate(collection.names):
        of_split = found[collection.split == index]
        rows.append(
            [name, f"{len(of_split):,}", *(_share(of_split[:, other]) for other in range(len(collection.names)))]
        )
    return pd.DataFrame(rows, columns=["split", "faces", *(f"with a copy in {name}" for name in collection.names)])


def _share(found: NDArray[np.bool_]) -> str:
    return f"{found.sum():,} ({found.mean() if found.size else 0:.1%})"


def _examples(collection: Collection, pairs: Pairs, chosen: NDArray[np.int64]) -> Figure:
    """Draw pairs from the whole range, the first face above the second, without exact copies if there are others."""
    interesting = chosen[pairs.correlation[chosen] < 0.999]
    chosen = interesting if interesting.size else chosen
    shown = chosen[np.unique(np.linspace(0, len(chosen) - 1, EXAMPLES).astype(int))]
    first, second = pairs.first[shown], pairs.second[shown]
    names = np.array(collection.names)[collection.split]
    captions = [
        f"{name}\n{EMOTIONS[label]}"
        for rows in (first, second)
        for name, label in zip(names[rows], collection.labels[rows], strict=True)
    ]
    for place, pair in enumerate(shown, len(shown)):
        captions[place] += f"\n{pairs.correlation[pair]:.2f}{' mirrored' if pairs.mirrored[pair] else ''}"
    return draw_mosaic(collection.faces[np.concatenate([first, second])], captions, len(shown))
