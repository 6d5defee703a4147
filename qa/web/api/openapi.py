"""The FastAPI application with one OpenAPI document for all routes."""

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
    {"name": "conversations", "description": "Conversations of this browser on the page."},
    {"name": "feedback", "description": "Users' feedback on answers, for training."},
    {"name": "settings", "description": "Options for answering questions."},
    {"name": "running", "description": "Health and metrics of the server."},
]
_DESCRIPTION = """\
Answers questions from a folder of documents, **in the documents' own words**, or says why it cannot.

An answer is a stretch of a document's stored text: `text` is exactly the characters from `start` to `end`, counted in
Unicode code points, as Python counts (not UTF-16 units, as JavaScript does). A question that the documents do not
answer is no error: `answered` is false, and `reason` says why.

Errors are `{"detail": "one line that names the parameter, its value, and the remedy"}`.
"""
_REFUSED = "A parameter is missing, unknown, or has an invalid value."
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.*)*)", re.MULTILINE)
"""An entry of "Attributes" in a docstring in Google's style, with its continuation lines."""


class DocumentedAPI(FastAPI):
    """FastAPI with our OpenAPI document, and without the pages that show it, which load scripts from a CDN."""

    def __init__(
        self,
        examples: Mapping[str, Mapping[str, Any]],
        records: Collection[str],
        **given: Any,  # noqa: ANN401 (whatever FastAPI takes)
    ) -> None:
        """Create the application without routes.

        Args:
            examples: Examples of successful responses, by operation id and name.
            records: Names of the schemas whose fields are all always present.
            **given: Further arguments of FastAPI.
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
            responses={500: documented("An unexpected error; see the server's log.")},
            **given,
        )

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with fields described by the docstrings of their records.

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
    """Move the descriptions of attributes from a record's docstring to the schema's properties.

    Args:
        schema: JSON schema of one of our records; changed in place.
    """
    said, _, attributes = inspect.cleandoc(schema.get("description", "")).partition("\n\nAttributes:\n")
    if not attributes:
        return
    schema["description"] = said
    for name, description in _ATTRIBUTE.findall(attributes):
        if name in schema["properties"]:
            # A $ref may have a description beside it since OpenAPI 3.1.
            schema["properties"][name]["description"] = " ".join(description.split()).replace("None", "null")


def _complete(operation: dict[str, Any], examples: Mapping[str, Mapping[str, Any]]) -> None:
    """Add examples, from which FastAPI would drop nulls, and replace FastAPI's description of invalid input."""
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = {**responses["500"], "description": _REFUSED}
    if operation["operationId"] in examples:
        shown = {name: {"summary": name, "value": value} for name, value in examples[operation["operationId"]].items()}
        responses["200"]["content"]["application/json"]["examples"] = shown
