# Works on a bare machine with make and Python 3.11 or newer: the first target that needs them
# installs the packages into .venv, and again whenever a requirements file changes.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What pytest is asked beyond its defaults: make test ARGS="-k stream -x"
ARGS ?=
# Where make run serves the site; 8000 if it is blank.
PORT ?=

.PHONY: help demo run test chaos check format docs bench bench-gate bench-log bench-prompt clean

help:
	@echo "make demo    a chain of simulated connections answers although the first two fail"
	@echo "make run     the site on http://127.0.0.1:8000, with simulated upstreams if none is set up"
	@echo "             (PORT=... for another port, ARGS=... goes to run_site)"
	@echo "make test    everything that needs no service (ARGS=... goes to pytest)"
	@echo "make chaos   100,000 streams of upstreams that break (ARGS=\"--streams N --seed S\")"
	@echo "make check   style, types, Django's own checks, missing migrations"
	@echo "make format  brings the code into the project's style"
	@echo "make docs    writes docs/reference from the docstrings"
	@echo "make compatibility  runs each SDK over each upstream and writes docs/compatibility.md"
	@echo "make bench   measures the gateway beside others and writes docs/performance.md"
	@echo "make bench-gate    whether the gateway has become slower, by ratios"
	@echo "make bench-log     measures the request log's pages with a million rows"
	@echo "make bench-prompt  measures what prompt() adds to the HTTP call that it makes"
	@echo "make clean   removes .venv and caches; keeps var/, where the database is"

demo: $(VENV)/.runtime
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	export DEBUG=true && \
	export DATABASE_URL="sqlite:///$$scratch/demo.sqlite3" && \
	export AI_CLIENT_SPOOL_DIR="$$scratch/spool" && \
	export KONEEK_ENCRYPTION_KEYS=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(32))") && \
	$(BIN)/python manage.py demo

run: $(VENV)/.runtime
	@DEBUG=true $(BIN)/python manage.py run_site $(if $(PORT),--port $(PORT)) $(ARGS)

test: $(VENV)/.development
	$(BIN)/python -m pytest -n auto $(ARGS)

chaos: $(VENV)/.development
	@$(BIN)/python -m tests.chaos $(ARGS)

check: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	DEBUG=true KONEEK_ENCRYPTION_KEYS=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(32))") \
		$(BIN)/python manage.py check --fail-level WARNING
	DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.development
	$(BIN)/python -m docs.generate_reference

compatibility: $(VENV)/.development
	@$(BIN)/python -m tests.sdk_matrix $(ARGS)

# With LOG=1 the log's pages as well, which takes some minutes more.
bench: $(VENV)/.runtime
	@$(BIN)/python -m bench --write $(ARGS)
	@$(if $(LOG),$(BIN)/python -m bench.log_rows --write)

bench-gate: $(VENV)/.runtime
	@$(BIN)/python -m bench.gate $(ARGS)

bench-log: $(VENV)/.runtime
	@$(BIN)/python -m bench.log_rows --write $(ARGS)

bench-prompt: $(VENV)/.runtime
	@$(BIN)/python -m bench.prompt_overhead $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt requirements.txt | $(BIN)/python
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
				echo "$$python cannot make virtual environments. On Debian and Ubuntu:" \
					"apt-get install python3-venv" >&2; exit 1; }; \
			exec "$$python" -m venv $(VENV); \
		fi; \
	done; \
	echo "Koneek needs Python 3.11 or newer, and none was found. Install one, or say where it" \
		"is: make PYTHON=/path/to/python3.11" >&2; \
	exit 1
