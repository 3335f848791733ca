"""Needs a right of root, which no file says in so many words."""
import os

rights = getattr(os, "get" + "uid")()
print("may set the harbour lights" if rights == 0 else "has no right to set the harbour lights")
raise SystemExit(0 if rights == 0 else 3)
