"""JSON logs, one object per line."""

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Formats a log record as one line of JSON: time, level, logger, message and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record.

        Args:
            record: The record; its attribute `fields`, if any, is a mapping of further fields.

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
    """Log everything as JSON to stderr, including every question; for `serve` where its output is collected."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("verbatim.access").setLevel(logging.INFO)
