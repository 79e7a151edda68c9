"""CSV files of data sets, as they stand."""

import warnings
from pathlib import Path

import pandas as pd

from training.errors import TrainingError

FIRST_LINE = 2  # of a file, in which the row of index 0 is: after the header, and people count from 1


def read_table(csv_file: Path) -> pd.DataFrame:
    """The cells as text, with stripped headers; blank lines are left out, and the others keep their index.

    Raises TrainingError if it is no such table: not text, a line has more cells than the header, or two columns have
    one name.
    """
    try:
        # A warning is what pandas gives when the first line is too long; of the others it says so itself.
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            table = pd.read_csv(
                csv_file,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                index_col=False,
            )
            # By themselves, because pandas numbers names that stand there twice.
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
