# The verbs. `make up` and `make test` do all the set-up there is.
# The system's Python is preferred: a sandboxed account cannot enter somebody's private one.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11) python3)
BIN := .venv/bin
NOT_QUICK := not model and not sandbox and not browser and not postgresql and not platform and not soak
ASIDE := $(addprefix tests/,benchmarks hub_config/formgrader_walls $(addprefix labkit/,allowance audit gateway models pages policy training))
PYTEST := $(BIN)/python -m pytest --tb=short --durations=15 --durations-min=10

.PHONY: up test coverage quick check check-installed courses bench soak pictures reset

up:          ## run the platform on this machine
	@$(PYTHON) hub_config/bootstrap.py up
	@exec $(BIN)/labkit up

test:        ## everything that guards main
	@$(PYTHON) hub_config/bootstrap.py test
	@$(MAKE) --no-print-directory check-installed
	@# The browser's tests apart, since Playwright keeps an event loop running in which no asynchronous test can start.
	@# Three at once on two cores, since all of them mostly wait; what goes where makes them take about as long.
	@logs=$$(mktemp -d); \
	{ $(PYTEST) -m "browser and not soak"; browser=$$?; \
	$(PYTEST) -m "not browser and not soak" tests/hub_config --ignore=tests/hub_config/formgrader_walls; \
	exit $$((browser + $$?)); } >$$logs/browser 2>&1 & browser=$$!; \
	$(PYTEST) -m "not browser and not soak" $(ASIDE) >$$logs/aside 2>&1 & aside=$$!; \
	$(PYTEST) -m "not browser and not soak" $(ASIDE:%=--ignore=%) --ignore=tests/hub_config; others=$$?; \
	wait $$browser; browser=$$?; wait $$aside; aside=$$?; \
	cat $$logs/browser $$logs/aside; rm -r $$logs; exit $$((others + browser + aside))

coverage:    ## how much of the source the tests reach; apart, since measuring it takes half as long again
	@$(BIN)/coverage erase
	@$(MAKE) --no-print-directory test PYTEST="$(BIN)/coverage run -m pytest"
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

quick:       ## a first contribution: no root, no browser, no PostgreSQL, no torch
	@$(PYTHON) hub_config/bootstrap.py quick
	@$(BIN)/python -m pytest -q -m "$(NOT_QUICK)"

check:       ## style, types and the import law
	@$(PYTHON) hub_config/bootstrap.py check
	@$(MAKE) --no-print-directory check-installed

check-installed:
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

courses:     ## every lab's whole score matrix; goes on where an earlier run stopped
	@$(PYTHON) hub_config/bootstrap.py test
	@$(BIN)/labkit courses check --all --resume .labkit/courses.jsonl

bench:       ## every benchmark, briefly
	@$(PYTHON) hub_config/bootstrap.py test
	@for name in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$name .py) --quick || exit 1; done
	@$(BIN)/python -m benchmarks.crash --quick
	@$(BIN)/python -m benchmarks.grading --quick
	@$(BIN)/python -m benchmarks.gateway --quick

soak:        ## what is too long for `make test`
	@$(PYTHON) hub_config/bootstrap.py test
	@$(BIN)/python -m pytest -m soak

pictures:    ## the screenshots in docs/, from the running product
	@$(PYTHON) hub_config/bootstrap.py test
	@$(BIN)/python -m pytest -q -m browser --pictures=docs/pictures --ignore=tests/hub_config/attacks tests

reset:       ## delete everything the platform keeps
	@$(BIN)/labkit reset
