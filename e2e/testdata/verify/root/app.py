"""Keeps a log of arrivals beside its data."""
import pathlib

log = pathlib.Path("/var/lib/arrivals/log")
log.parent.mkdir(parents=True, exist_ok=True)
log.write_text("ready\n")
print("the log is open")
