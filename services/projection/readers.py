"""Who reads at headquarters, and whose rows: all branches, or the reader's own. Pure."""

from shared.problems import Problem
from shared.scope import ALL
from shared.tokens import Caller

READERS = frozenset({"headquarters", "staff"})


def scope_of(caller: Caller, branch: str | None) -> str:
    """Return whose rows the caller sees who asks for a branch or for all; raise Problem for another's branch."""
    if caller.scope == ALL:
        return branch or ALL
    if not caller.branch or branch not in (None, "", caller.branch):
        raise Problem(403, "branch-foreign", branch=branch)
    return caller.branch
