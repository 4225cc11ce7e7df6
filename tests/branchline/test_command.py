"""The command as a shell meets it: what it offers, and what it says when something is wrong."""

import asyncio
from importlib import import_module
from pathlib import Path

import pytest

from branchline.command import SUBCOMMANDS, main
from deploy.keys import write_keys
from shared.settings import Settings
from shared.tokens import Caller, Tokens
from tests.cell import environment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    write_keys(tmp_path)
    settings = Settings("one", "postgresql://nowhere:9/x", "nowhere:9", tmp_path, "127.0.0.1", "", 8000, "INFO")
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


def test_every_subcommand_that_is_listed_can_be_asked_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, (module, _) in SUBCOMMANDS.items():
        assert import_module(module).register
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0
        assert f"branchline {name}" in capsys.readouterr().out


def test_without_a_known_subcommand_the_list_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert "serve" in capsys.readouterr().out
    assert main(["sevre"]) == 2
    assert "there is no subcommand sevre" in capsys.readouterr().err


def test_a_token_is_printed_that_the_cell_admits(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--role", "till", "--branch", "TOR1", "--subject", "TOR1-1"]) == 0
    assert Tokens(home).verify(capsys.readouterr().out.strip()) == Caller("till", "TOR1", "TOR1-1")


@pytest.mark.usefixtures("home")
def test_a_tills_token_names_its_branch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--role", "till"]) == 1
    assert capsys.readouterr().err == "branchline token: a till's token names its --branch\n"


@pytest.mark.usefixtures("home")
def test_a_setting_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BRANCHLINE_KAFKA")
    assert main(["serve", "pos"]) == 1
    assert capsys.readouterr().err.startswith("branchline serve: BRANCHLINE_KAFKA is not set")


@pytest.mark.usefixtures("home")
def test_a_service_or_part_that_is_none_is_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("poss", "..", "pos.app"):
        assert main(["serve", name]) == 1
        assert f"there is no service {name}, only" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["serve", "pos", "--parts", "http,boiler"])
    assert "there is no part boiler" in capsys.readouterr().err


async def test_migrating_again_finds_nothing_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(main, ["migrate", "pos", "projection"]) == 0
    assert "kernel/001_" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["migrate", "pos", "projection"]) == 0
    assert capsys.readouterr().out == "pos: nothing new\nprojection: nothing new\n"
