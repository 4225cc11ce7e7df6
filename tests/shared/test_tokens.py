"""A token says who calls, and nobody but the cell can have written it."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.tokens import Caller, NotAdmitted, Tokens


def cell(folder: Path, name: str = "one", key: str = "a" * 64) -> Settings:
    (folder / "token.key").write_text(key)
    return Settings(name, "", "", folder, "", "", 0, "INFO")


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


CLAIMS = {"aud": "one", "role": "headquarters", "exp": 9999999999}


def test_a_token_brings_back_role_branch_and_subject(tmp_path: Path) -> None:
    tokens = Tokens(cell(tmp_path))
    assert tokens.verify(tokens.sign("till", branch="TOR1", subject="TOR1-2")) == Caller("till", "TOR1", "TOR1-2")


def test_headquarters_sees_every_branch_and_staff_without_one_sees_none() -> None:
    assert Caller("headquarters").scope == "*"
    assert Caller("headquarters", "TOR1").scope == "TOR1"
    assert Caller("staff", "TOR1").scope == "TOR1"
    assert Caller("staff").scope == ""


def test_a_role_that_is_none_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="owner"):
        Tokens(cell(tmp_path)).sign("owner")


def test_a_token_that_is_over_is_not_admitted(tmp_path: Path) -> None:
    tokens = Tokens(cell(tmp_path))
    with pytest.raises(NotAdmitted, match="token-expired"):
        tokens.verify(tokens.sign("staff", ttl=timedelta(minutes=-1)))


@pytest.mark.parametrize("token", ["", None])
def test_no_token_is_said_to_be_missing(tmp_path: Path, token: str | None) -> None:
    with pytest.raises(NotAdmitted, match="token-missing"):
        Tokens(cell(tmp_path)).verify(token)


def test_a_token_of_another_cell_is_not_admitted(tmp_path: Path) -> None:
    settings = cell(tmp_path)
    foreign = Tokens(replace(settings, cell="two")).sign("headquarters")
    with pytest.raises(NotAdmitted, match="token-invalid"):
        Tokens(settings).verify(foreign)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None", "typ": "JWT"}, {"alg": "HS512"}, {"alg": "HS256"}])
def test_a_token_that_nobody_signed_is_not_admitted(tmp_path: Path, header: dict[str, str]) -> None:
    tokens = Tokens(cell(tmp_path))
    for signature in ("", part("x")):
        with pytest.raises(NotAdmitted, match="token-invalid"):
            tokens.verify(f"{part(header)}.{part(CLAIMS)}.{signature}")


def test_a_changed_claim_breaks_the_signature(tmp_path: Path) -> None:
    tokens = Tokens(cell(tmp_path))
    header, _, signature = tokens.sign("till", branch="TOR1").split(".")
    with pytest.raises(NotAdmitted, match="token-invalid"):
        tokens.verify(f"{header}.{part(CLAIMS)}.{signature}")


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "." * 5000, f"{part([])}.{part([])}.x"])
def test_what_is_no_token_at_all_is_not_admitted(tmp_path: Path, token: str) -> None:
    with pytest.raises(NotAdmitted, match="token-invalid"):
        Tokens(cell(tmp_path)).verify(token)


@pytest.mark.parametrize(
    "claims",
    [{}, {"role": "owner"}, {"role": ["staff"]}, {"exp": "soon"}, {"exp": None}, {"branch": 7}, {"aud": ["one"]}],
)
def test_a_signed_token_with_claims_of_another_form_is_not_admitted(tmp_path: Path, claims: dict[str, object]) -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    settings = cell(tmp_path)
    forged = {**CLAIMS, **claims} if claims else {}
    token = jwt.encode({"alg": "HS256"}, forged, OctKey.import_key(settings.key("token")))
    with pytest.raises(NotAdmitted, match="token-invalid"):
        Tokens(settings).verify(token)
