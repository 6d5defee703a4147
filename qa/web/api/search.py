"""Route for finding words in the documents."""

from typing import Annotated

from fastapi import APIRouter, Query

from index.finding import MAX_DOCUMENTS, MAX_PLACES
from index.records import Concordance
from index.retrieval.word_matching import MAX_WORDS_CHARS
from qa.answerer import QuestionAnswerer
from qa.web.api.errors import documented

RECORDS = ("Concordance", "DocumentOccurrences", "Occurrence")
"""Schemas whose fields are all always present."""


def search_routes(answerer: QuestionAnswerer) -> APIRouter:
    """Create the route for finding words.

    Args:
        answerer: Finds them in its documents.

    Returns:
        The route.
    """
    router = APIRouter()

    @router.get(
        "/api/search",
        operation_id="search",
        tags=["documents"],
        summary="Every place where words stand, document by document",
        responses={404: documented("`within` names a document that is not in the index.")},
    )
    def search(
        words: Annotated[
            str,
            Query(
                description="Words, and phrases in quotation marks; all are to stand. Case and accents are ignored.",
                json_schema_extra={"minLength": 1, "maxLength": MAX_WORDS_CHARS},
            ),
        ],
        within: Annotated[list[str] | None, Query(description="Only documents with these names, if given.")] = None,
        any_form: Annotated[bool, Query(description="Whether other forms of the words count.")] = False,
        offset: Annotated[int, Query(ge=0, description="Number of found documents to skip.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_DOCUMENTS, description="Most documents.")] = 20,
        places: Annotated[int, Query(ge=1, le=MAX_PLACES, description="Most places of each.")] = 20,
        start: Annotated[
            int, Query(ge=0, description="Offset in a document's text before which places are skipped.")
        ] = 0,
    ) -> Concordance:
        return answerer.find(
            words, within=within, any_form=any_form, offset=offset, limit=limit, places=places, start=start
        )

    return router
