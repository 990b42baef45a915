import numpy as np

from kontur.service.jobs import Answer
from kontur.service.monitor import Monitor


def answer(parts=(), scores=(), unknown=0, brightness=100.0):
    statistics = {"brightness": brightness, "contrast": 1.0, "sharpness": 1.0, "saturation": 1.0}
    found = [{"part": part, "score": score} for part, score in zip(parts, scores, strict=True)]
    return Answer({"detections": found, "unknown": [{}] * unknown}, statistics=statistics)


def test_empty_monitor_has_no_numbers():
    document = Monitor(50).document()
    assert document["pictures"] == 0
    assert document["latency_s"] == {"p50": None, "p95": None, "p99": None}
    assert document["unknown_rate"] is None


def test_counts_and_quantiles_of_what_was_seen():
    monitor = Monitor(200)
    for k in range(1, 101):
        monitor.record(answer(["ring", "bar"], [0.52, 0.97]), k / 1000, "p", b"")
    document = monitor.document()
    assert document["classes"] == {"ring": 100, "bar": 100}
    assert np.isclose(document["latency_s"]["p95"], np.percentile(np.arange(1, 101) / 1000, 95))
    counts = document["scores"]["counts"]
    assert (sum(counts), counts[10], counts[19]) == (200, 100, 100)


def test_histories_are_bounded():
    monitor = Monitor(30)
    for k in range(100):
        monitor.record(answer(unknown=1), 0.01, str(k), b"data")
    assert len(monitor.seen) == 30
    assert len(monitor.rejected) == 12
    assert monitor.rejected[-1].label == "99"


def test_unknown_rate_is_the_share_of_pictures():
    monitor = Monitor(50)
    for k in range(8):
        monitor.record(answer(unknown=2 if k < 2 else 0), 0.01, "p", b"")
    assert monitor.unknown_rate() == 0.25


def test_drift_rises_when_the_pictures_get_brighter():
    rng = np.random.default_rng(0)
    reference = {name: rng.normal(100, 10, 500) for name in ("brightness", "contrast", "sharpness", "saturation")}
    monitor = Monitor(100, reference)
    assert monitor.drift()["brightness"] is None
    for value in rng.normal(100, 10, 100):
        monitor.record(answer(brightness=value), 0.01, "p", b"")
    before = monitor.drift()["brightness"]
    for value in rng.normal(160, 10, 100):
        monitor.record(answer(brightness=value), 0.01, "p", b"")
    assert before < 0.25 < monitor.drift()["brightness"]
