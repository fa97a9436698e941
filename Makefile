# make demo    the main job, on an embedded server, in under a minute
# make test    all tests
# make bench   the upload engine against its peers
# make check   format, lint, types, import rules
# make image   a card image for Raspberry Pis, in dist/ (Linux, root); make image-test boots it
#
# Only Python 3.11 or later and make are taken for granted.

VENV := .venv
RUN := $(VENV)/bin

.PHONY: demo test bench check format clean image image-test

demo: $(VENV)/.demo
	@$(RUN)/piuploader demo

test: $(VENV)/.dev
	@scripts/test

bench: $(VENV)/.dev
	@$(RUN)/python -m benchmarks.engine

check: $(VENV)/.dev
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports

format: $(VENV)/.dev
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

image:
	@image/build

image-test: $(VENV)/.dev
	@image/test

clean:
	rm -rf $(VENV) .cache build dist

$(VENV)/.demo: pyproject.toml scripts/setup
	@scripts/setup demo

$(VENV)/.dev: pyproject.toml scripts/setup
	@scripts/setup dev
