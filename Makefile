# Two commands matter: `make run` and `make test`. Everything either needs is installed by them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= jingui-home
PORT ?= 8000
TOOLS := .cache/tools
FOLDERS := repository ingest preservation access metadata storage
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test
CATALOGUE := repository/translations/zh_Hans_CN/LC_MESSAGES/messages

.PHONY: run test lint unit bench soak fuzz debian tools translations screenshots clean

run: $(INSTALLED) $(CATALOGUE).mo
	JINGUI_HOME="$(HOME_FOLDER)" $(BIN)/jingui serve --demo --port $(PORT)

test: debian $(INSTALLED_TEST) $(CATALOGUE).mo tools lint unit

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(INSTALLED_TEST): setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(INSTALLED)

$(CATALOGUE).mo: $(CATALOGUE).po | $(VENV)/bin/python
	$(BIN)/pybabel --quiet compile --domain messages --directory repository/translations --locale zh_Hans_CN

# What the tests need from Debian: installed when that is possible, otherwise said, and those tests skip with their reason.
debian:
	@missing=""; \
	for name in $$(sed -e 's/#.*//' debian-packages.txt); do \
	  dpkg-query --show --showformat='$${Status}' "$$name" 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$name"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing for the tests:$$missing"; \
	  apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $$missing >/dev/null \
	    || echo "Could not install:$$missing (the tests that need them will skip)"; \
	else \
	  echo "Not installed:$$missing (no root or no apt: the tests that need them will skip)"; \
	fi

# Programs that judge our output or race against it, each in an environment of its own: they are no part of the server.
tools: $(TOOLS)/ocfl-py/.installed $(TOOLS)/eark-validator/.installed $(TOOLS)/metsrw/.installed

$(TOOLS)/ocfl-py/.installed: REQUIREMENT := ocfl-py==2.1.0
$(TOOLS)/eark-validator/.installed: REQUIREMENT := eark-validator==1.1.3
$(TOOLS)/metsrw/.installed: REQUIREMENT := metsrw==0.7.0
$(TOOLS)/%/.installed:
	@mkdir -p $(dir $@)
	@{ $(PYTHON) -m venv $(dir $@) && $(dir $@)bin/python -m pip install --quiet --disable-pip-version-check '$(REQUIREMENT)' && touch $@; } \
	  || echo "Could not install $(REQUIREMENT) (the tests that need it will skip)"

lint: $(INSTALLED_TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(FOLDERS)
	$(BIN)/lint-imports
	$(BIN)/python -m tests.tools.translations

# Two processes, a file of tests in one of them; with one seed both collect the tests in the same order.
unit: $(INSTALLED_TEST)
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 2 --dist loadfile

# Longer proofs, apart from `test`.
soak: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -m soak

fuzz: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -m fuzz

# Ratios against named peers; the table goes into docs/performance.md.
bench: debian $(INSTALLED_TEST) tools
	$(BIN)/python -m tests.benchmarks

# Texts marked for translation are gathered, merged into the Chinese catalogue and checked.
translations: $(INSTALLED_TEST)
	$(BIN)/python -m tests.tools.translations --update

screenshots: $(INSTALLED_TEST)
	$(BIN)/python -m tests.tools.screenshots docs/screenshots

clean:
	rm -rf $(VENV) $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
