"""The application, and its OpenAPI document: one of all our routes, whichever module made them."""

import inspect
import re
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import FastAPI

from index.birth_certificate import our_version
from qa.web.api.errors import documented

_TAGS = [
    {"name": "asking", "description": "Questions, answered in the documents' own words."},
    {"name": "documents", "description": "The documents that are asked: what they hold, where, and which there are."},
    {"name": "conversations", "description": "Conversations that were held on the page, of this browser alone."},
    {"name": "feedback", "description": "What people said of answers, for training on it later."},
    {"name": "settings", "description": "What can be chosen for how questions are asked."},
    {"name": "running", "description": "Whether the server works, and how well."},
]
_DESCRIPTION = """\
Answers questions from a folder of documents, **in the documents' own words**, or says why it cannot.

An answer is a stretch of a document's stored text: `text` is exactly the characters from `start` to `end`, counted in
Unicode code points, as Python counts (not UTF-16 units, as JavaScript does). A question that the documents do not
answer is no error: `answered` is false, and `reason` says why.

Errors are `{"detail": "one line that names the parameter, its value, and the remedy"}`.
"""
_REFUSED = "A parameter is missing, unknown, or has a value that cannot be used."
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.*)*)", re.MULTILINE)
"""A line of the "Attributes" of a docstring in Google's style, and those that go on from it."""


class DocumentedAPI(FastAPI):
    """FastAPI with our document, and without the pages that show it: they would fetch scripts from a CDN."""

    def __init__(
        self,
        examples: Mapping[str, Mapping[str, Any]],
        records: Collection[str],
        **given: Any,  # noqa: ANN401 (whatever FastAPI takes)
    ) -> None:
        """Make it, without routes.

        Args:
            examples: By the id of an operation: what it answers when all goes well, by what it is an example of.
            records: Names of the schemas of answers that always have all of their fields.
            **given: What else FastAPI is to be given.
        """
        self._examples = examples
        self._records = records
        super().__init__(
            title="Verbatim",
            summary="Answers from a folder of documents, in their own words",
            description=_DESCRIPTION,
            version=our_version(),
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            openapi_tags=_TAGS,
            docs_url=None,
            redoc_url=None,
            responses={500: documented("Something unforeseen; the server's log says what.")},
            **given,
        )

    def openapi(self) -> dict[str, Any]:
        """The document, with the fields of our records described as their docstrings describe them.

        Returns:
            An OpenAPI 3.1 document.
        """
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            for name, schema in schemas.items():
                describe(schema)
                if name in self._records:
                    schema["required"] = list(schema["properties"])
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                _complete(operation, self._examples)
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
        return super().openapi()


def describe(schema: dict[str, Any]) -> None:
    """Move what a record's docstring says of attributes, which pydantic leaves where it is, to the properties.

    Args:
        schema: The JSON schema of a record of ours; changed in place.
    """
    said, _, attributes = inspect.cleandoc(schema.get("description", "")).partition("\n\nAttributes:\n")
    if not attributes:
        return
    schema["description"] = said
    for name, description in _ATTRIBUTE.findall(attributes):
        if name in schema["properties"]:
            # A reference takes a description beside it since OpenAPI 3.1.
            schema["properties"][name]["description"] = " ".join(description.split()).replace("None", "null")


def _complete(operation: dict[str, Any], examples: Mapping[str, Mapping[str, Any]]) -> None:
    """Add examples, which FastAPI would drop the nulls from, and that input is refused in our way, not in FastAPI's."""
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = {**responses["500"], "description": _REFUSED}
    if operation["operationId"] in examples:
        shown = {name: {"summary": name, "value": value} for name, value in examples[operation["operationId"]].items()}
        responses["200"]["content"]["application/json"]["examples"] = shown
