# Front door: everything that needs no options. The build itself is CMake's; see CMakePresets.json.

PREFIX ?= /usr/local
DPKG_LOG ?= /var/log/dpkg.log
CTEST := ctest --output-on-failure --no-tests=error -j2
# Suites whose code runs on several threads.
THREADED := ^(net|resources|reactor|workers|observability|component|host)$$

.DEFAULT_GOAL := help

help: ## List the targets
	@echo "Torvyn: WebAssembly components as streaming pipelines"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "What is missing on this machine is installed first (scripts/bootstrap --help)."

deps: ## Install what is missing on this machine
	@scripts/bootstrap

build: deps ## Build the release programs into build/release/bin
	@CI= scripts/build-preset release programs # the test suites' tools are no business of these programs

demo: build ## Build, then run hello-world and package-log on this machine's own package log
	@scripts/demo "$(DPKG_LOG)"

test: ## Build and test everything: ASan and UBSan, ThreadSanitizer, release
	@scripts/bootstrap --rust-guests --polyglot-guests --suites
	@scripts/build-preset dev
	@echo "== tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@cd build/dev && $(CTEST)
	@scripts/build-preset tsan
	@echo "== tests of threaded modules under ThreadSanitizer"
	@cd build/tsan && $(CTEST) -L '$(THREADED)'
	@scripts/build-preset release
	@echo "== tests of the release build"
	@cd build/release && $(CTEST)

bench: build ## Build and run the benchmarks
	@scripts/bench

format: deps ## Format every C file
	@tools/check_format clang-format-19 --fix

lint: ## Run clang-tidy on the files changed since the last commit (FILES=… for others)
	@scripts/lint $(FILES)

install: build ## Install into PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

clean: ## Remove everything that was built in this clone
	@rm -rf build
	@for example in examples/*/Makefile; do \
		[ ! -f "$$example" ] || $(MAKE) --no-print-directory -C "$$(dirname "$$example")" clean || exit 1; \
	done

.PHONY: help deps build demo test bench format lint install clean
