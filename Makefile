PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
CHECKS = check-types check-imports check-containers check-migrations check-deployment check-style check-sizes

.PHONY: help run test test-compose test-environment lint $(CHECKS) bench docs lock schema fuzz-api
.DEFAULT_GOAL := help
# With this variable, every program that the tests start would spend seconds on compiling its imports again.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: var/static/staticfiles.json ## start Rapport on this machine: web, worker and schedule
	@.venv/bin/python manage.py migrate --verbosity 0
	@.venv/bin/python manage.py create_first_account
	@PORT=$(PORT) WORKERS=$(WORKERS) .venv/bin/supervisord $(if $(filter 0,$(shell id -u)),--user root) --configuration config/local/supervisord.conf

.venv/installed: requirements.txt
	$(PYTHON) config/local/check_python.py
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

var/static/staticfiles.json: .venv/installed $(shell find static -type f)
	@.venv/bin/python manage.py collectstatic --no-input --verbosity 0

.venv-test/installed: requirements-dev.txt
	$(PYTHON) config/local/check_python.py
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=.venv-test .venv-test/bin/uv pip install --quiet --requirement requirements-dev.txt
	@touch $@

test-environment: .venv-test/installed
	@sh tests/system_packages.sh

# Each process has its own PostgreSQL, Redis and folders. More than four would need much memory.
PYTEST = .venv-test/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

test: test-environment ## run every test, also with real servers and a real browser
	$(PYTEST)
	TEST_DATABASE=sqlite $(PYTEST) --quiet -m database tests/crm tests/emotions tests/jobs

test-compose: .venv-test/installed ## build, test and remove the containers; needs a Docker engine
	.venv-test/bin/python -m pytest --timeout 3600 tests/compose

lint: ## check style, types, imports, containers, migrations and settings
	@errors=$$(mktemp); \
	$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync $(CHECKS) 2>$$errors; status=$$?; \
	cat $$errors >&2; rm $$errors; exit $$status  # The names of failed checks are printed last.

$(CHECKS): .venv-test/installed

check-style:
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .

check-sizes:
	.venv-test/bin/python -m bench.sizes

check-types:
	.venv-test/bin/mypy .

check-imports:
	.venv-test/bin/lint-imports

check-containers:
	.venv-test/bin/hadolint Dockerfile
	@if command -v docker-compose >/dev/null; then ENV_FILE=.env.example docker-compose config --quiet; fi

check-migrations:
	.venv-test/bin/python manage.py makemigrations --check --dry-run

check-deployment:
	DEBUG=false HTTPS=true SECRET_KEY=$$(head -c 48 /dev/urandom | base64 -w0) ALLOWED_HOSTS=rapport.example \
		.venv-test/bin/python manage.py check --deploy --fail-level WARNING

docs: .venv-test/installed ## build the documentation as a site: open var/docs/index.html
	.venv-test/bin/properdocs build --quiet --strict --config-file mkdocs.yml

bench: .venv-test/installed ## measure the pipeline and the queue on this machine
	.venv-test/bin/python -m bench

schema: .venv-test/installed ## write docs/openapi.yaml from the code
	.venv-test/bin/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

fuzz-api: test-environment ## send the API generated requests: FUZZ_EXAMPLES=N per operation
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),300) .venv-test/bin/python -m pytest tests/e2e/api/test_fuzzing.py

LOCK = .venv-test/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes

lock: .venv-test/installed ## compile the lock files from pyproject.toml
	$(LOCK) --extra dev --extra training --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --extra training --output-file training/requirements.txt pyproject.toml
