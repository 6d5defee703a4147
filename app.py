"""The web chat over the documents in `seeds/`: `python app.py`, the same as `verbatim serve`."""

import sys

from qa.cli import cli

if __name__ == "__main__":
    cli(["serve", *sys.argv[1:]])
