# Thin on purpose: what a target does is in scripts/, where it can be read, linted and run by itself.
up dev: export CRONTOPUS_DATA_DIR ?= $(CURDIR)/.data
.DEFAULT_GOAL := help
.PHONY: up dev test test-forgejo e2e lint lint-python lint-go lint-console lint-infra generate verify bench soak lock release help

up: ## Build what changed and run the whole platform: http://127.0.0.1:8000
	@scripts/up
dev: ## The same with API reload and the Vite dev server: http://127.0.0.1:5173
	@scripts/dev
test: ## Every suite, installing what it needs; the last line counts
	@scripts/test
test-forgejo: ## The Git hosts' suite on a real Forgejo (CRONTOPUS_FORGEJO_URL, _TOKEN)
	@scripts/test-forgejo
e2e: ## The whole path through a real cron, Git, mail server and browser
	@scripts/test e2e
lint: ## Every linter and type checker
	@scripts/lint
lint-python lint-go lint-console lint-infra: ## One part of it
	@scripts/lint $(@:lint-%=%)
generate: ## Write the generated files again
	@scripts/generate
verify: ## Fail when a generated or lock file is stale, or a locked package known vulnerable
	@scripts/verify
bench: ## All benchmarks; one: bench/run NAME
	@bench/run all
soak: ## The fault and fuzz tests at full count
	@scripts/soak
release: ## Signed binaries of the agent for every platform, in dist/release
	@scripts/release
lock: ## Pin Python and npm packages again
	@scripts/lock
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
