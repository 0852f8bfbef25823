# quizsvc: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
ARGS ?=

# What is compiled once is kept, whatever this shell says: the tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test fast check cover format lock bench crash crash-full drill drill-full clean
.DEFAULT_GOAL := help

help: ## 列出命令
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv/run ## 演示：虚构的县、3 所学校、12 个班，PORT=8000
	@$(BIN)/quizsvc demo --port $(PORT)

serve: .venv/run ## 按环境变量正式运行（见 docs/SETTINGS.md）
	@$(BIN)/quizsvc serve

test: .venv/dev ## 全部测试（SQLite、PostgreSQL、浏览器）
	@$(BIN)/python -m tests.prerequisites
	@$(BIN)/pytest -q -ra -n 3 --dist loadgroup $(ARGS)

fast: .venv/dev ## 快的部分（不到一分钟）：规则、操作和主要流程，只用 SQLite；随机的例子每次都换
	@FEW_EXAMPLES=1 RANDOM_EXAMPLES=1 $(BIN)/pytest -q -n 2 -m "not browser and not postgres and not slow" $(ARGS)

check: .venv/dev ## 格式、规范、类型、依赖方向、全部测试
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/quizsvc bank check
	@$(MAKE) --no-print-directory cover
	@$(MAKE) --no-print-directory test

cover: .venv/dev ## core/ 的每个分支都有测试（100 %）
	@FEW_EXAMPLES=1 COVERAGE_FILE=.venv/coverage $(BIN)/pytest tests/core quizsvc/core -q -n 2 --cov=quizsvc.core --cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered

format: .venv/dev ## 整理格式
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/dev ## 性能：完整作答与最小 Flask 程序对比
	@$(BIN)/python -m benchmarks.sittings $(ARGS)

crash: .venv/dev ## 杀进程、断数据库，交过的卷一份不少（约 40 秒）
	@$(BIN)/python -m tests.crash $(ARGS)

crash-full: .venv/dev ## 同上，两万份和一万份（约半小时），再让每个故意埋下的错误都被抓住
	@$(BIN)/python -m tests.crash --full $(ARGS)
	@$(BIN)/python -m tests.crash --canaries

drill: .venv/dev ## 演练：断电顺序、写满、恢复、发布、时钟……每项配一个故意的错误
	@$(BIN)/python -m tests.drills $(ARGS)

drill-full: .venv/dev ## 同上，完整的数量
	@$(BIN)/python -m tests.drills --full $(ARGS)
	@$(if $(ARGS),,WHOLE=1 $(BIN)/pytest -q tests/security/test_access_matrix.py)

lock: .venv/dev ## 重新锁定依赖（带哈希，不带地址）
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate --all-extras --group lock pyproject.toml -o deploy/run.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate --all-extras --group lock --group dev -c deploy/run.lock pyproject.toml -o deploy/dev.lock

clean: ## 删除虚拟环境和演示数据
	@rm -rf .venv instance/demo

.venv/run: deploy/run.lock pyproject.toml
	@$(call venv,run)

.venv/dev: deploy/dev.lock pyproject.toml
	@$(call venv,dev)

# One virtual environment; every package by hash; the project itself in place.
define venv
	command -v $(PYTHON) >/dev/null || { echo "缺少 python3：请先安装 Python 3.11 或更新的版本。"; exit 1; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 或更新的版本，可用 make $(MAKECMDGOALS) PYTHON=python3.12 指定。"; exit 1; }; \
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "缺少 venv：Debian/Ubuntu 请运行 apt install python3-venv，再试一次。"; exit 1; }; \
	echo "准备虚拟环境 .venv（第一次约半分钟）…"; \
	test -x $(BIN)/python || $(PYTHON) -m venv .venv; \
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r deploy/$(1).lock && \
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . && touch $@
endef
