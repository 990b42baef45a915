"""Prometheus metrics of one service. Names follow https://prometheus.io/docs/practices/naming."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kontur import __version__
from kontur.service.monitor import Monitor, Seen
from kontur.service.pool import WorkerPool

_LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
_SCORE_BUCKETS = tuple(k / 10 for k in range(1, 11))


class Metrics:
    """The metrics and their registry.

    Attributes:
        registry: what /metrics exposes.
    """

    def __init__(self, pool: WorkerPool, monitor: Monitor) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "kontur_http_requests_total", "Requests by route and status", ["route", "status"], registry=r
        )
        self.latency = Histogram(
            "kontur_http_request_duration_seconds", "Time to answer, by route", ["route"], registry=r,
            buckets=_LATENCY_BUCKETS,
        )  # fmt: skip
        self.work = Histogram(
            "kontur_work_duration_seconds", "Time in a worker, waiting not included", registry=r,
            buckets=_LATENCY_BUCKETS,
        )  # fmt: skip
        self.detections = Counter("kontur_detections_total", "Parts found", ["part"], registry=r)
        self.scores = Histogram("kontur_detection_score", "Scores of parts found", registry=r, buckets=_SCORE_BUCKETS)
        self.pictures = Counter("kontur_pictures_total", "Pictures answered", registry=r)
        self.unknown = Counter("kontur_unknown_pictures_total", "Pictures with something unknown in them", registry=r)
        self._gauges(pool, monitor)

    def observe(self, seen: Seen, work_seconds: float) -> None:
        """Count an answered picture."""
        self.pictures.inc()
        self.work.observe(work_seconds)
        self.unknown.inc(seen.unknown > 0)
        for part, score in zip(seen.parts, seen.scores, strict=True):
            self.detections.labels(part).inc()
            self.scores.observe(score)

    def _gauges(self, pool: WorkerPool, monitor: Monitor) -> None:
        """Values that are read when they are asked for."""
        r = self.registry
        Gauge("kontur_queue_waiting", "Requests in the queue", registry=r).set_function(lambda: pool.waiting)
        Gauge("kontur_workers_alive", "Worker processes that run", registry=r).set_function(lambda: pool.alive)
        Gauge("kontur_worker_restarts", "Workers replaced after a death", registry=r).set_function(
            lambda: pool.restarts
        )
        drift = Gauge(
            "kontur_drift_stability_index", "PSI of recent pictures against those trained on", ["statistic"], registry=r
        )
        for name in monitor.drift():
            drift.labels(name).set_function(partial(_drift_of, monitor, name))
        Gauge("kontur_build_info", "The version", ["version"], registry=r).labels(__version__).set(1)


def _drift_of(monitor: Monitor, statistic: str) -> float:
    return monitor.drift()[statistic] or 0.0
