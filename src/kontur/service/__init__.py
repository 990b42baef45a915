"""The service: detection over HTTP, a web page, metrics. It imports neither torch nor matplotlib."""
