"""The containers run what the local runtime runs."""

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from branchline.catalogue import names
from deploy.keys import NAMES
from deploy.local.places import CHECKOUT, SERVICES
from shared.settings import PORTS, Settings

FILE = CHECKOUT / "docker-compose.yml"
COMPOSED: dict[str, Any] = yaml.safe_load(FILE.read_text())
ONCE = {"keys", "migrate"}
SERVERS = {"postgres", "kafka"}


def test_a_service_that_has_an_app_is_started() -> None:
    assert sorted(SERVICES) == names()


def test_compose_runs_every_service_and_nothing_that_does_not_exist() -> None:
    assert set(COMPOSED["services"]) == {*SERVICES, *ONCE, *SERVERS}


def test_each_service_listens_where_the_settings_say() -> None:
    for name in SERVICES:
        service, port = COMPOSED["services"][name], 8000 + PORTS[name]
        assert service["command"] == ["serve", name, "--from", "beginning"]
        assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_ports_are_kept_for_services_to_come() -> None:
    for name in set(PORTS) - set(SERVICES):
        assert f"{name} {8000 + PORTS[name]}" in FILE.read_text()


def test_the_settings_of_a_container_are_ones_that_services_read(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = COMPOSED["services"]["pos"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.read()
    assert settings.address("loyalty-points") == "http://loyalty-points:8104"
    assert settings.host == "0.0.0.0"
    assert str(settings.keys) == COMPOSED["services"]["keys"]["entrypoint"][-1]
    assert len(NAMES) == 4


def test_the_servers_are_official_images_of_the_same_versions_as_the_local_ones() -> None:
    jars = (CHECKOUT / "deploy" / "kafka" / "jars.lock").read_text()
    assert COMPOSED["services"]["postgres"]["image"] == "postgres:18"
    assert COMPOSED["services"]["kafka"]["image"] == "apache/kafka:4.3.1"
    assert "org.apache.kafka:kafka_2.13:4.3.1 " in jars


def test_the_image_holds_no_package_that_the_lock_does_not_name() -> None:
    whole = set((CHECKOUT / "requirements.lock").read_text().splitlines())
    image = [line for line in (CHECKOUT / "deploy" / "image.lock").read_text().splitlines() if "==" in line]
    assert {line.split(" ;")[0].removesuffix(" \\") for line in image} <= {
        line.split(" ;")[0].removesuffix(" \\") for line in whole
    }


def test_compose_itself_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return  # the tests above read the same file
    subprocess.run([docker, "compose", "--file", str(FILE), "config", "--quiet"], check=True)
