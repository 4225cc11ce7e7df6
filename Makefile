# The only door. Needs Python 3.11 or newer and make; everything else is fetched into .venv and .local of this checkout.
.DEFAULT_GOAL := help
.PHONY: help demo up down test check faults bench installed

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
RUN := .venv/bin/python
comma := ,

help: ## List these targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name what; do printf '  make %-6s %s\n' "$$name" "$$what"; done

demo: installed ## Start everything, open a chain of twelve branches and let its tills sell until Ctrl-C
	@$(RUN) -m deploy.local demo

up: installed ## Start everything and leave it running
	@$(RUN) -m deploy.local up

down: installed ## Stop everything
	@$(RUN) -m deploy.local down

test: installed ## Run the tests, on servers of their own (TESTS= names some of them)
	@$(RUN) -m deploy.local fetch
	@$(RUN) -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(TESTS)

check: installed ## Look at the code without starting it: format, style, types, imports, contracts, the house
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m ruff check --quiet .
	@.venv/bin/lint-imports --no-logo
	@$(RUN) -m mypy
	@$(RUN) -m branchline contracts --check
	@$(RUN) -m pytest -q tests/house tests/contracts

faults: installed ## Break everything while tills sell, and look for what is lost or counted twice (forty minutes on two cores; SEED=, ONLY= a name)
	@$(RUN) -m tests.faults.model
	@$(RUN) -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)")

bench: installed ## Measure, beside others, and write tests/benchmarks/RESULTS.md (ROWS=append,relay/idle some; fifty minutes on two cores)
	@$(RUN) -m tests.benchmarks $(subst $(comma), ,$(ROWS))

installed:
	@$(if $(PYTHON),$(PYTHON) deploy/local/install.py,echo 'Branchline needs Python 3.11 or newer on the PATH, or PYTHON=/path/to/it' >&2; exit 1)
