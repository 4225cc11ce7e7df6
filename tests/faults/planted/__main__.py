"""`python -m tests.faults.planted BUG serve ...`: the command `branchline` with a bug in it."""

import sys

from tests.faults.planted import bugs

bugs.BUGS[sys.argv.pop(1)]()

from branchline.command import main  # noqa: E402  the bug must be there before anything takes what it replaces

sys.exit(main())
