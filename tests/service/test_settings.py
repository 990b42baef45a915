from importlib import resources

import pytest
import yaml

from kontur.errors import ConfigError
from kontur.service.settings import ServiceSettings, check_exposure, find_token, load_settings
from kontur.workspace import Workspace


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_token(host):
    check_exposure(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "factory-pc", "127.0.0.1.example.org"])
def test_other_addresses_need_a_token(host):
    with pytest.raises(ConfigError, match="KONTUR_TOKEN"):
        check_exposure(host, None)
    check_exposure(host, "x" * 32)


def test_token_comes_from_the_environment_or_a_file(monkeypatch, tmp_path):
    monkeypatch.delenv("KONTUR_TOKEN", raising=False)
    monkeypatch.delenv("KONTUR_TOKEN_FILE", raising=False)
    assert find_token() is None
    file = tmp_path / "token"
    file.write_text("from-the-file-0123456789\n")
    monkeypatch.setenv("KONTUR_TOKEN_FILE", str(file))
    assert find_token() == "from-the-file-0123456789"
    monkeypatch.setenv("KONTUR_TOKEN", "from-the-environment-01")
    assert find_token() == "from-the-environment-01"


@pytest.mark.parametrize("token", ["", "short", "пароль-пароль-пароль"])
def test_weak_tokens_are_refused(monkeypatch, token):
    monkeypatch.setenv("KONTUR_TOKEN", token)
    with pytest.raises(ConfigError, match="16 ASCII characters"):
        find_token()


def test_missing_token_file_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("KONTUR_TOKEN", raising=False)
    monkeypatch.setenv("KONTUR_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        find_token()


def test_settings_default_and_are_checked(tmp_path):
    space = Workspace(tmp_path)
    assert load_settings(space) == ServiceSettings()
    space.service_config.parent.mkdir()
    space.service_config.write_text("queue: 5\nworkers: 3\n")
    assert (load_settings(space).queue, load_settings(space).worker_count) == (5, 3)
    space.service_config.write_text("queue: 0\nworkerz: 3\n")
    with pytest.raises(ConfigError, match=r"(?s)queue.*workerz|workerz.*queue"):
        load_settings(space)


def test_the_file_that_new_workspaces_get_states_the_defaults():
    stated = yaml.safe_load(resources.files("kontur").joinpath("templates/service_config.yaml").read_text())
    assert stated == ServiceSettings().model_dump()


def test_one_worker_for_each_granted_cpu(monkeypatch):
    monkeypatch.setattr("kontur.service.settings.thread_count", lambda: 7)
    assert ServiceSettings().worker_count == 7
