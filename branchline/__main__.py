"""`python -m branchline` is the command `branchline`."""

import sys

from branchline.command import main

sys.exit(main())
