"""The one error tree. Each message says what is wrong, where, and what to do about it."""


class KonturError(Exception):
    """Base of every error that kontur raises on purpose; the command line prints it as one line and exits with 2."""


class ConfigError(KonturError):
    """A configuration file has wrong keys or values. The message lists all faults, each with its line."""


class WorkspaceError(KonturError):
    """A workspace lacks what a command needs, or may not be written."""


class DrawingError(KonturError):
    """A drawing cannot be read at all, or exceeds the limits of the reader."""


class PictureError(KonturError):
    """A picture is missing, unreadable or of an unsupported kind."""


class DatasetError(KonturError):
    """A data set is missing, incomplete, or made from other drawings than the ones at hand."""


class ModelError(KonturError):
    """A checkpoint or exported network is missing, damaged, or does not fit the part list."""


class DetectionError(KonturError):
    """Detections that contradict themselves: wrong lengths, shapes or values."""


class ServiceError(KonturError):
    """The service did not do a job: its queue was full, its worker died, or it took too long."""


def reason(error: BaseException) -> str:
    """Return the first line of another library's error, or its type's name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
