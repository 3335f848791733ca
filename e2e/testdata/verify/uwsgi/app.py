from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "high water at 03:12\n"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000)
