# Needs Python 3.11 or 3.12 and make, nothing else: every target first installs what it uses into .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find codec models metrics training eval -type f -not -name '*.pyc')

.PHONY: test lint demo docs fuzz clean

# Side by side, one thread each: several would wait for each other.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p scodec

demo: $(VENV)/installed
	$(BIN)/python -m scodec.eval.demo

# The API reference.
PUBLIC := scodec.api scodec.options scodec.format scodec.errors scodec.plugins
docs: $(VENV)/installed
	$(BIN)/python -m pdoc --output-directory build/docs $(PUBLIC)

# Five minutes, or until it finds something; Linux only.
fuzz: $(VENV)/installed
	$(BIN)/python -m pip install --quiet atheris
	mkdir -p build/corpus
	$(BIN)/python fuzz/fuzz_decode.py -max_total_time=300 -timeout=60 -rss_limit_mb=2048 -artifact_prefix=build/ \
		build/corpus tests/golden

clean:
	rm -rf $(VENV) build dist demo *.egg-info

# The dependencies are large and change rarely, the package is small and changes often: one stamp for each.
# build/ goes after each installation because the next would pack what it finds there.
$(VENV)/installed: $(VENV)/dependencies README.md $(SOURCES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall .
	rm -rf build
	touch $@

$(VENV)/dependencies: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install ".[dev]"
	rm -rf build
	touch $@
