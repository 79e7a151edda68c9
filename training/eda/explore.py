"""A data set -> a report on it for people."""

from pathlib import Path

from training.data import Fer2013
from training.eda.agreement import agreement
from training.eda.balance import class_balance
from training.eda.collection import Collection, collect
from training.eda.copies import near_duplicates
from training.eda.hardest import hardest, probably_mislabelled
from training.eda.light import intensity
from training.eda.neighbours import find_neighbours
from training.eda.samples import mean_faces, samples
from training.report import Section, write_report


def explore(data: Fer2013, folder: Path) -> Path:
    """Write `folder`/report.html and its figures, all or nothing, and return the page's path.

    Without votes the section on agreement is missing. Takes most of a minute for FER-2013 on two cores.
    Raises TrainingError if the report cannot be written.
    """
    collection = collect(data)
    introduction = (
        f"{len(collection):,} faces of {collection.faces.shape[1]} x {collection.faces.shape[2]} grey pixels."
    )
    return write_report(folder, "What the data looks like", introduction, _sections(collection))


def _sections(collection: Collection) -> list[Section]:
    sections = [
        class_balance(collection),
        samples(collection),
        mean_faces(collection),
        intensity(collection),
        near_duplicates(collection),
    ]
    if collection.votes:
        sections.append(agreement(collection, collection.votes))
    if len(collection) > 1:
        neighbours = find_neighbours(collection.faces)
        sections += [hardest(collection, neighbours), probably_mislabelled(collection, neighbours)]
    return sections
