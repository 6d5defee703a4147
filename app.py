"""The web chat from a checkout: `python app.py`, with the options of `verbatim serve`."""

import sys

from qa.cli.main import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
