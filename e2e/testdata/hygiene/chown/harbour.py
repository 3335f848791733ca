"""Lists the charts, and counts the visits in a file that only its own user may write."""

import grp
import os
import pwd
from pathlib import Path

from waitress import serve

CHARTS = Path("/var/lib/harbour/charts")
VISITS = Path("/srv/harbour/visits")


def owner(path):
    s = path.stat()
    return f"{pwd.getpwuid(s.st_uid).pw_name}:{grp.getgrgid(s.st_gid).gr_name} {s.st_mode:o}"


def app(environ, start_response):
    VISITS.write_text("another\n")
    body = "".join(f"{p.name} {owner(p)}\n" for p in sorted(CHARTS.iterdir()))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]


os.umask(0o027)
serve(app, host="0.0.0.0", port=8000)
