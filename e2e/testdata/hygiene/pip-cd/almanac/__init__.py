"""A very small almanac."""

import csv
from importlib import resources


def moons():
    """Rows of (phase, day) for the month."""
    with resources.files(__name__).joinpath("moons.csv").open() as f:
        return [(row["phase"], int(row["day"])) for row in csv.DictReader(f)]
