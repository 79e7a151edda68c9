"""Writes a report on a data set for people."""

from pathlib import Path

from training.data.dataset import Dataset
from training.figures.eda.agreement import describe_agreement
from training.figures.eda.balance import describe_balance
from training.figures.eda.collection import Collection, collect
from training.figures.eda.copies import describe_copies
from training.figures.eda.hardest import describe_hardest_faces, describe_mislabelled_faces
from training.figures.eda.light import describe_light
from training.figures.eda.neighbours import find_neighbours
from training.figures.eda.samples import show_mean_faces, show_samples
from training.figures.report import Section, write_report


def explore(data: Dataset, folder: Path) -> Path:
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
        describe_balance(collection),
        show_samples(collection),
        show_mean_faces(collection),
        describe_light(collection),
        describe_copies(collection),
    ]
    if collection.votes:
        sections.append(describe_agreement(collection, collection.votes))
    if len(collection) > 1:
        neighbours = find_neighbours(collection.faces)
        sections += [describe_hardest_faces(collection, neighbours), describe_mislabelled_faces(collection, neighbours)]
    return sections
