"""Prints the lights of the district and whether ours is lit."""

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))


def lights():
    with open(os.path.join(here, "lights.csv")) as f:
        next(f)
        for line in f:
            yield line.strip().split(",")


rows = list(lights())
for name, character, reach in rows if "--all" in sys.argv else rows[:1]:
    print("%-14s %-10s %3s M" % (name, character, reach))
with open(os.path.join(os.environ["LAMP_DIR"], "state")) as f:
    print("ours is", f.read().strip())
