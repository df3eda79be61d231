# Needs Python 3.11 or 3.12 and make, nothing else: every target first installs what it uses into .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find codec models metrics training eval study studio -type f -not -name '*.pyc')

.PHONY: test lint demo docs web fuzz clean

# Side by side, one thread each: several would wait for each other. The page's tests are left out without npm.
test: lint $(if $(shell command -v npm),web)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

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

# The page that decodes in the browser, whole: docs/web.md.
RUNTIME := $(foreach name,ort.wasm.min ort-wasm-simd-threaded ort.webgpu.min ort-wasm-simd-threaded.asyncify,$(name).mjs) \
	ort-wasm-simd-threaded.wasm ort-wasm-simd-threaded.asyncify.wasm
web: $(VENV)/web/node_modules/.package-lock.json $(VENV)/installed
	rm -rf build/web
	mkdir -p build/web/vendor
	cp $(filter-out %.json,$(wildcard web/*)) build/web
	cp $(addprefix $(VENV)/web/node_modules/onnxruntime-web/dist/,$(RUNTIME)) build/web/vendor
	$(BIN)/scodec export --onnx build/web/models

# What the page takes from npm, in the versions of the lock file.
$(VENV)/web/node_modules/.package-lock.json: web/package.json web/package-lock.json $(VENV)/dependencies
	mkdir -p $(VENV)/web
	cp web/package.json web/package-lock.json $(VENV)/web
	npm ci --prefix $(VENV)/web --ignore-scripts --no-audit --no-fund
	touch $@

# Five minutes, or until it finds something; Linux only.
fuzz: $(VENV)/installed
	$(BIN)/python -m pip install --quiet atheris
	mkdir -p build/corpus
	$(BIN)/python fuzz/fuzz_decode.py -max_total_time=300 -timeout=60 -rss_limit_mb=2048 -artifact_prefix=build/ \
		build/corpus tests/golden

clean:
	rm -rf $(VENV) build dist demo *.egg-info

# The dependencies are large and change rarely, the package is small and changes often: one stamp for each.
# What setuptools built goes after each installation, because the next would pack what it finds there.
BUILT := build/lib build/bdist*
$(VENV)/installed: $(VENV)/dependencies README.md $(SOURCES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall .
	rm -rf $(BUILT)
	touch $@

$(VENV)/dependencies: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install ".[dev]"
	rm -rf $(BUILT)
	touch $@
