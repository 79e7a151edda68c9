"""Reads the CSV files of data sets as text."""

import warnings
from pathlib import Path

import pandas as pd

from training.errors import TrainingError

# The line of the row with index 0: the header comes first, and people count from 1.
FIRST_LINE = 2


def read_table(csv_file: Path) -> pd.DataFrame:
    """Return the cells as text under stripped headers, without blank lines; the other lines keep their index.

    Raises TrainingError if the file is not text, a line has more cells than the header, or two columns share a name.
    """
    try:
        # Pandas only warns if the first line has too many cells; for other lines it raises an error.
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            table = pd.read_csv(
                csv_file,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                index_col=False,
            )
            # The headers are read by themselves, because pandas renames a header that appears twice.
            header = pd.read_csv(
                csv_file, header=None, nrows=1, dtype=str, keep_default_na=False, skipinitialspace=True
            )
    except pd.errors.ParserWarning:
        raise TrainingError(f"{csv_file} cannot be read: line {FIRST_LINE} has more cells than the header.") from None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{csv_file} cannot be read as a table: {str(error).strip()}") from error
    names = header.iloc[0].str.strip()
    if twice := sorted({name for name in names[names.duplicated()] if name}):
        raise TrainingError(f"{csv_file} has more than one column {', '.join(twice)}. Leave one of each.")
    table.columns = table.columns.str.strip()
    return table[(table != "").any(axis=1)]
