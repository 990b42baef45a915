"""What is deployed: rules that promtool accepts, a dashboard and rules that name metrics which exist, a lock that fits."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool on this machine (apt-get install prometheus)")
def test_alert_rules_fire_when_they_should(tmp_path):
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([PROMTOOL, *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    config = (DEPLOY / "prometheus/prometheus.yml").read_text()
    (tmp_path / "token").write_text("x")
    (tmp_path / "prometheus.yml").write_text(config.replace("/run/secrets/kontur_token", str(tmp_path / "token")))
    shutil.copy(DEPLOY / "prometheus/alerts.yml", tmp_path)
    done = subprocess.run([PROMTOOL, "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def exposed_metrics():
    from kontur.service.metrics import Metrics
    from kontur.service.monitor import Monitor

    class Pool:
        waiting = alive = restarts = 0

    families = Metrics(Pool(), Monitor(20)).registry.collect()
    suffixes = {"counter": ("_total",), "histogram": ("", "_bucket", "_sum", "_count"), "gauge": ("",)}
    return {family.name + suffix for family in families for suffix in suffixes[family.type]}


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "grafana/dashboards/kontur.json"])
def test_every_metric_that_is_asked_for_exists(file):
    asked = set(re.findall(r"\bkontur_\w+", (DEPLOY / file).read_text()))
    assert asked
    assert asked <= exposed_metrics()


def test_the_dashboard_is_whole():
    panels = json.loads((DEPLOY / "grafana/dashboards/kontur.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 8
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)


def test_the_lock_states_hashes_for_all_that_serving_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["serve"]]
    lock = (DEPLOY / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", lock, re.MULTILINE))
    for requirement in wanted:
        version = locked.get(requirement.name.lower())
        assert version, f"{requirement.name} is not locked"
        assert requirement.specifier.contains(version), requirement
    pins = re.split(r"^(?=[\w.-]+(?:\[[\w,]+\])?==)", lock, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "torch" not in locked


def test_the_container_runs_without_root_and_copies_what_exists():
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("USER kontur") == 2
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    for name in (name for line in copied for name in line.split()):
        assert (ROOT / name).exists(), name
        assert name in kept, name


def test_compose_keeps_the_service_shut():
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["kontur"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["volumes"][0].endswith(":ro")
