"""Structured logs: one JSON object a line on standard error."""

import logging.config

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def use_json_logs(level: str = "INFO") -> None:
    """Let kontur's and uvicorn's loggers write JSON lines."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "fmt": _FORMAT,
                    "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "loggers": {name: {"handlers": ["stderr"], "level": level, "propagate": False}
                        for name in ("kontur", "uvicorn", "uvicorn.error")},
        }
    )  # fmt: skip
