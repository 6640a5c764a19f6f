# Everything lives in .venv. A stamp marks a finished step, so that set-up is done once and
# again only when what it was made from has changed.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= python3
# The version that training was tested with. PyPI's Linux wheels bring CUDA; for a machine
# without a GPU install the CPU build first: see docs/install.md.
TORCH ?= torch==2.13.0
DEMO ?=
# training: a pose bank and photographs if there are any; TRAINER is any python with torch
POSES ?=
PHOTOS ?=
LINE ?= research
LAYERS ?= 40000
PACK ?= runs/pack
MINUTES ?= 20
TRAINER ?= $(BIN)/python
# measuring on a GPU: which networks, all if none is named
MODELS ?=
# scripts that need no argument
BENCHMARKS := benchmarks/node_cost.py

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install
MESSAGE_SOURCES := CMakeLists.txt package.xml setup.py $(wildcard msg/*.msg) \
	$(shell find cmake -type f)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint bench bench-gpu models train train-gpu messages clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMPS)/package models ## make .venv with all that running needs

demo: setup ## replay -> node -> recorder over real DDS on the bundled clip
	$(BIN)/python -m mesh_pose_ros.ros.demo $(DEMO)

test: lint $(STAMPS)/test models ## lint and all quick tests
	$(BIN)/python -m pytest -m 'not slow'

test-all: lint $(STAMPS)/references models ## lint and all tests, with what results are compared to
	$(BIN)/python -m pytest

lint: $(STAMPS)/test ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(STAMPS)/test models ## measure what the README's tables say
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-gpu: ## measure networks on a GPU, all or MODELS="own_pose ...". TRAINER=python3
	$(TRAINER) -m benchmarks.engines --engines cuda cuda_compiled cuda_graph tensorrt \
		--batches 1 16 --out runs/engines.md $(if $(MODELS),--models $(MODELS))

models: $(STAMPS)/package ## make the default networks in the user's cache, if not there
	$(BIN)/mesh_pose models import mediapipe

BANK := $(if $(POSES),--poses $(POSES))
LESSONS := runs/lessons_$(LINE).npz
START = $(if $(wildcard models/$(1).pt),--start models/$(1).pt --anew)
PICTURES := --layers runs/layers --line $(LINE) \
	$(if $(PHOTOS),--photos $(PHOTOS) --lessons $(LESSONS))

train: $(STAMPS)/test models ## train all networks here, days; goes on where it stopped. POSES= PHOTOS= LINE=
	$(BIN)/python -m training.synthetic.layers --count $(LAYERS) --out runs/layers $(BANK)
	$(if $(PHOTOS),test -f $(LESSONS) || $(BIN)/python -m training.data.teacher \
		--photos $(PHOTOS) --line $(LINE) --out $(LESSONS))
	$(BIN)/python -m training.train detector $(PICTURES) --threads $$(nproc)
	$(BIN)/python -m training.train crop $(PICTURES) --threads $$(nproc)
	for recipe in detector crop; do $(BIN)/python -m training.export $$recipe || exit 1; done
	$(BIN)/python -m training.train crop --run runs/correction --start models/own_pose.pt --anew \
		--seed 1 --only metres $(PICTURES) --workers $$(nproc)
	$(BIN)/python -m training.export crop --run runs/correction
	$(BIN)/python -m training.train lifter $(BANK)
	$(BIN)/python -m training.export lifter $(BANK)
	test -f runs/seen.npz || $(BIN)/python -m training.data.onlooker --model models/own_pose.yaml \
		--count 40000 --layers runs/layers --out runs/seen.npz
	$(BIN)/python -m training.train lifter --run runs/own_lift --line $(LINE) $(BANK) \
		--start models/open_body_lift.pt --anew --seed 3 --rate 3e-4 --steps 1000 \
		--seen runs/seen.npz
	$(BIN)/python -m training.export lifter --run runs/own_lift --name own_lift $(BANK)

train-gpu: ## train on a GPU for MINUTES= each, from PACK= (training.data.pack). TRAINER=python3
	$(TRAINER) -m training.synthetic.layers --count $(LAYERS) --out runs/layers \
		$(if $(wildcard $(PACK)/poses.npz),--poses $(PACK)/poses.npz)
	$(TRAINER) -m training.train crop --device cuda --batch 256 --layers runs/layers \
		--pack $(PACK) --line $(LINE) --minutes $(MINUTES) $(call START,own_pose)
	$(TRAINER) -m training.train detector --device cuda --batch 128 --layers runs/layers \
		--pack $(PACK) --line $(LINE) --minutes $(MINUTES) $(call START,own_detector)

messages: ## generate the ROS messages again
	rm -f $(STAMPS)/package
	$(MAKE) $(STAMPS)/package

clean: ## remove .venv and everything generated
	rm -rf $(VENV) build install log *.egg-info mesh_pose_ros/msg mesh_pose_ros/*.so

$(STAMPS)/venv:
	@$(PYTHON) tools/check_system.py
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: pyproject.toml tools/requirements.py | $(STAMPS)/venv
	@echo 'Installing what running needs ...'
	$(BIN)/python tools/requirements.py build core ros import | $(PIP) -qq -r /dev/stdin
	@touch $@

# Without build isolation: messages must be compiled against the very ROS wheels that load them.
$(STAMPS)/package: $(STAMPS)/runtime $(MESSAGE_SOURCES)
	@echo 'Compiling the ROS messages ...'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) -qq --no-build-isolation --no-deps --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/package
	@echo 'Installing what training and tests need ...'
	$(PIP) $(TORCH)
	$(BIN)/python tools/requirements.py train test openvino tensorrt-rtx body-models | $(PIP) -qq -r /dev/stdin
	@touch $@

$(STAMPS)/references: $(STAMPS)/test
	@echo 'Installing what results are compared to ...'
	$(BIN)/python tools/requirements.py dev | $(PIP) -qq -r /dev/stdin
	@touch $@
