"""Log lines without personal data: one structlog formatter and a filter that masks patterns."""

import logging

import structlog

from config.shared.masking import scrub


class ScrubFilter(logging.Filter):
    """Mask phone, identity and card numbers in every message, and line breaks in its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the message in place; always keeps the record."""
        record.msg = scrub(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        record.args = ()
        return True


def line_formatter() -> logging.Formatter:
    """Return the formatter used for all handlers: key=value lines, UTC time."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ],
    )
