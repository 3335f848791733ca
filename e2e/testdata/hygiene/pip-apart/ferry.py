"""The ferry's timetable: one page, and the same as YAML."""

import json
import os
from pathlib import Path

import yaml
from bottle import Bottle, response, template
from dateutil import parser
from waitress import serve

HERE = Path(__file__).resolve().parent
PAGE = """<!doctype html>
<title>Ferry</title>
% for quay, times in sorted(table.items()):
<h2>{{quay}}</h2><p>{{", ".join(times)}}</p>
% end
<a href="/timetable.yaml">as YAML</a>
"""

app = Bottle()


def timetable():
    table = json.loads((HERE / "timetable.json").read_text())
    return {quay: [parser.parse(t).strftime("%-H.%M") for t in times] for quay, times in table.items()}


@app.get("/")
def page():
    return template(PAGE, table=timetable())


@app.get("/timetable.yaml")
def as_yaml():
    response.content_type = "application/yaml"
    return yaml.safe_dump(timetable())


if __name__ == "__main__":
    serve(app, host="0.0.0.0", port=int(os.environ["PORT"]))
