import os

from tabulate import tabulate

from almanac import moons

print(tabulate(moons(), headers=["Phase", f"January {os.environ.get('ALMANAC_YEAR', '')}".strip()]))
