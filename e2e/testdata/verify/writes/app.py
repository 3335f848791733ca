"""Keeps the day's arrivals in a folder that only a run knows."""
import os

folder, make = os.path.join("/", *["srv", "arrivals"]), getattr(os, "make" + "dirs")
make(folder, exist_ok=True)
book = os.open(os.path.join(folder, "today"), os.O_CREAT | getattr(os, "O_WR" + "ONLY"))
os.write(book, b"none yet\n")
print("the book is open")
