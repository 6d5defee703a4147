"""Options shared by several commands."""

from typing import Annotated

import typer

# A string, not a Path: as a Path, "" would be the current folder.
Folder = Annotated[
    str | None,
    typer.Option("--folder", "-f", metavar="FOLDER", help="Folder of documents; without it, the packaged example."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Delete the index and build it again.")]
TopK = Annotated[int | None, typer.Option(metavar="N", help="Passages to retrieve and read, 1 to 1000.")]
Threshold = Annotated[
    float | None, typer.Option(metavar="P", help="Confidence, 0 to 1, below which a question is declined.")
]
MaxWrong = Annotated[
    float | None,
    typer.Option(metavar="P", help="Share of the answers given, 0 to 1, that may be wrong; in place of --threshold."),
]
ReaderName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Reader: fast, accurate, cascade, or a folder or Hugging Face name of another."),
]
