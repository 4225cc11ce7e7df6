"""The broker's data folder, as it is formatted."""

import uuid

import pytest

from deploy.local import kafka

DASH_IN_FRONT = uuid.UUID(bytes=b"\xf8" + bytes(15))
OTHER = uuid.UUID(int=1)


def test_the_id_of_a_cluster_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter((DASH_IN_FRONT, OTHER))
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))
    assert kafka.cluster_id() == "AAAAAAAAAAAAAAAAAAAAAQ"
