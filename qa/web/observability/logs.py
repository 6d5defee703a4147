"""A log for machines: a JSON object a line."""

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: when, how bad, what, and whatever fields it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line.

        Args:
            record: The record; its attribute `fields`, where it has one, is a mapping of what else is to be said.

        Returns:
            The line, in ASCII, without a newline.
        """
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def log_as_json() -> None:
    """Have every line of the log be JSON, and each question logged: for `serve` where its stderr is collected."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("verbatim.access").setLevel(logging.INFO)
