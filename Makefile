# Two commands matter: `make book` and `make test`. Each sets up what it needs, once.
.DEFAULT_GOAL := help
.PHONY: help setup fetch book test run serve slides clean lock notebooks format exercises grade
SHELL := /bin/bash -o pipefail
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/packages: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] < (3, 14) and \
	  "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Name another: make book PYTHON=python3.12" % v[:2])'
	@echo "Setting up $(VENV): about 200 packages, 2 to 5 minutes."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
	  --require-hashes -r requirements.lock | awk '/^Collecting/ { n++; if (n % 20 == 0) \
	  print "  " n " packages found"; fflush() } /^Installing/ { print "  installing …"; fflush() }'
	@touch $@

$(VENV)/ready: $(VENV)/packages pyproject.toml
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps \
	  --no-build-isolation -e .
	@touch $@

setup: $(VENV)/ready  ## install the book's environment into .venv

fetch: setup  ## fetch the data sets once into the cache
	@$(BIN)/python -m stim_lib.assets fetch --all

book: setup  ## build the book; open _build/html/index.html
	@$(BIN)/python scripts/build_book.py

test: setup  ## run every test: library, notebooks, book
	@$(BIN)/python -m pytest -q
	@$(BIN)/python -m pytest -q --nbval-lax --nbval-current-env \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks/

serve: book  ## build and serve the book on this computer (PORT=8000)
	@echo "http://127.0.0.1:$(PORT)/  (stop with Ctrl-C)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

slides: setup  ## write slides of the built chapters into _build/slides (CHAPTERS="04 05")
	@$(BIN)/python scripts/make_slides.py $(CHAPTERS)

clean:  ## remove the built book; keeps .venv, the cache of data and grades
	@find _build -mindepth 1 -maxdepth 1 ! -name grades -exec rm -rf {} + 2>/dev/null || true
	@echo "Removed the built book. (To set up anew, remove $(VENV) too.)"

lock:  ## renew requirements.lock, requirements.txt (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
	  --generate-hashes --custom-compile-command "make lock" -o requirements.lock --quiet
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 -c requirements.lock \
	  --no-annotate --custom-compile-command "make lock" -o requirements.txt --quiet

format: setup  ## format and lint the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

notebooks: setup  ## execute the notebooks, keep only the outputs that tests compare
	@$(BIN)/jupytext --quiet --sync --execute notebooks/*.md
	@$(BIN)/nbstripout --keep-count --extra-keys metadata.language_info notebooks/*.ipynb

run: setup  ## judge a log of your own: LOG=my.csv [CONFIG=my.toml] [OUTPUT=my.html]
	@$(BIN)/python scripts/run_system.py $(if $(LOG),"$(LOG)") $(if $(CONFIG),--config "$(CONFIG)") \
	  $(if $(OUTPUT),--output "$(OUTPUT)") $(if $(DATASET),--dataset "$(DATASET)")

exercises: setup  ## cut the exercises out of the chapters, for students and teacher
	@$(BIN)/python scripts/make_exercises.py

grade: setup  ## grade a class: SUBMISSIONS=folder [OUTPUT=grades]
	@test -d _build/exercises/teacher/source || $(BIN)/python scripts/make_exercises.py
	@$(BIN)/python scripts/grade.py $(if $(SUBMISSIONS),"$(SUBMISSIONS)") \
	  $(if $(OUTPUT),--output "$(OUTPUT)")
