"""What is sealed opens in its own place only."""

from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag

from services.membership.cipher import Cipher

MEI = UUID("00000000-0000-5000-8000-0000000000aa")
LI = UUID("00000000-0000-5000-8000-0000000000ab")
PHONE = "+14165550100"
CIPHER = Cipher(b"a secret")


def test_a_field_opens_where_it_was_sealed() -> None:
    key = CIPHER.new_key(MEI)
    assert CIPHER.opened(MEI, key.wrapped).unseal("phone", key.seal("phone", PHONE)) == PHONE


def test_a_field_moved_to_another_field_or_person_does_not_open() -> None:
    mei, li = CIPHER.new_key(MEI), CIPHER.new_key(LI)
    sealed = mei.seal("phone", PHONE)
    for key, field in ((mei, "name"), (li, "phone")):
        with pytest.raises(InvalidTag):
            key.unseal(field, sealed)


def test_a_data_key_moved_to_another_person_does_not_open() -> None:
    with pytest.raises(InvalidTag):
        CIPHER.opened(LI, CIPHER.new_key(MEI).wrapped)


def test_another_master_key_opens_nothing() -> None:
    with pytest.raises(InvalidTag):
        Cipher(b"another secret").opened(MEI, CIPHER.new_key(MEI).wrapped)


def test_the_same_text_is_never_sealed_alike() -> None:
    key = CIPHER.new_key(MEI)
    assert key.seal("phone", PHONE) != key.seal("phone", PHONE)


def test_a_digest_depends_on_the_key_the_kind_and_where_the_parts_end() -> None:
    digest = CIPHER.digest("client", "TOR1", "KERT01")
    assert digest == Cipher(b"a secret").digest("client", "TOR1", "KERT01")
    others = (
        Cipher(b"another secret").digest("client", "TOR1", "KERT01"),
        CIPHER.digest("card", "TOR1", "KERT01"),
        CIPHER.digest("client", "TOR", "1KERT01"),
        CIPHER.digest("client", "TOR1KERT01"),
    )
    assert digest not in others


def test_a_key_does_not_show_when_printed() -> None:
    key = CIPHER.new_key(MEI)
    assert key.key.hex() not in repr(key)
    assert repr(key.key) not in repr(key)
