"""Which faults pass by themselves, so that the same act may succeed when it is done again. Pure."""

import asyncpg

from shared.errors import Conflict, Unavailable

PASSING = (
    Conflict,
    Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,  # serialization, deadlock
    asyncpg.OperatorInterventionError,  # shut down, cancelled, starting up
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,  # what asyncpg says when its connection was cut in the middle of a call
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidCachedStatementError,  # views were swapped under a prepared query
    asyncpg.exceptions.OutdatedSchemaCacheError,
)

# a pool takes a lost connection back while somebody still holds it
_LOST = ("clos", "released back to the pool")


def is_passing(error: BaseException) -> bool:
    """Return whether to try again; anything else is a bug, or bad input."""
    if isinstance(error, asyncpg.InterfaceError):  # also what asyncpg says of wrong use: only lost connections pass
        return any(word in str(error) for word in _LOST)
    if isinstance(error, OSError):  # the network's, also a name that is not found now; not a file's
        return error.filename is None
    return isinstance(error, PASSING)
