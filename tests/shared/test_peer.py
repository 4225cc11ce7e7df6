"""A service that does not answer is not there for now, in whatever way its connection ends."""

import httpx2
import pytest

from shared.errors import Unavailable
from shared.peer import Peers
from shared.settings import Settings

# what anyio makes of a socket that is closed while a connection opens
GONE = AttributeError("'NoneType' object has no attribute 'getpeername'")


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), GONE], ids=lambda error: type(error).__name__)
async def test_a_connection_that_ends_while_it_opens_is_a_service_that_is_away(
    settings: Settings, error: Exception
) -> None:
    def ends(_: httpx2.Request) -> httpx2.Response:
        raise error

    peers = Peers(settings, "pos")
    peers._client = httpx2.AsyncClient(transport=httpx2.MockTransport(ends))
    with pytest.raises(Unavailable):
        await peers.call("membership", "GET", "/v1/anything")
    with pytest.raises(Unavailable):
        async with peers.stream("membership", "/v1/feed"):
            pass
    await peers.close()
