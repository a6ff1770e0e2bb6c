# Everything is built, tested and measured from here. It takes Go and make, and
# git for one check. "make" alone lists the targets.

MAINS       := ./agent/candor ./agent/candor-demo ./uplink/candor-receiver
BUDGET      := 10000000
CEILING     := 400
FUZZTIME    ?= 5s
# The linker rounds the parts of an ARM binary to 64 KiB, for kernels with pages of that size; those of ARMv6 have 4 KiB, those of boards
# with arm64 that or 16 KiB (a kernel of a server with 64 KiB does not start the smaller binary).
SYMBOLS     ?= -s -w
STRIP       := -trimpath -ldflags "$(SYMBOLS)$$round"
# The agent speaks HTTP/1.1 only; without the other half of net/http it is half a megabyte smaller.
TAGS        := -tags nethttpomithttp2
# Everything is compiled without inlining but the packages in which a reading costs something: over half a megabyte.
# Later flags win, so the list of what stays inlined comes last.
HOT         := internal/runtime/... internal/bytealg internal/abi internal/byteorder sync/atomic encoding/binary math/bits \
	crypto/internal/fips140/sha256 crypto/internal/fips140/edwards25519/... crypto/internal/fips140/subtle crypto/internal/fips140deps/byteorder \
	golang.org/x/crypto/... $(addprefix github.com/candor-edge/candor/,store store/consent uplink/wire sensors sensors/simulated)
SMALL       := -gcflags=all=-l $(foreach p,$(HOT),-gcflags=$(p)=)
# cobra without what it brings along for nothing, net/http without the tables of other scripts (agent/package/slim).
SLIM        := -modfile=bin/slim/go.mod -overlay=bin/slim/overlay.json
OUT         ?= bin
TARGETS     ?= "arm64" "arm 6"
FLAVOURS    ?= "candor nomqtt" "candor-mqtt mqtt"
STATICCHECK := go run -modfile=.ci/tools.mod honnef.co/go/tools/cmd/staticcheck

# The race detector needs a C compiler.
CC_FOUND := $(shell command -v "$$(go env CC 2>/dev/null | cut -d' ' -f1)" 2>/dev/null)

.PHONY: help run build test soak simulate simulate-mutants mutants faults hardware-sim check format vet staticcheck length nocgo cross deb reproducible licences bench bench-peers armv6 vulnerable fleet fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the demo: a simulated house, the agent and a receiver (ARGS="..." to pass flags)
	@go build $(TAGS) -o bin/candor-demo ./agent/candor-demo
	@./bin/candor-demo $(ARGS)

build: ## build the programs into bin/
	go build -trimpath $(TAGS) $(SMALL) -o bin/ $(MAINS)

test: ## run all tests, with the race detector where a C compiler is there
ifeq ($(CC_FOUND),)
	@echo "no C compiler: tests run without -race"
	CGO_ENABLED=0 go test -timeout 10m ./...
else
	CGO_ENABLED=1 go test -race -timeout 10m ./...
	go test -timeout 10m -run '^(TestNoAllocationAReading|TestFlashOnADevice|TestUploadsTellNothing)$$' ./agent
endif

soak: ## the long suites: a thousand kills, ten million rows waiting, a day of 100 sensors, and what is marked as soak (two hours and more)
	CANDOR_KILLS=1000 go test -count=1 -timeout 30m -v -run '^TestHostileNetworkAndKills$$' ./agent/candor
	CANDOR_BACKLOG=10000000 go test -count=1 -timeout 30m -v -run "^TestGrowth\$\$" ./store
	CANDOR_WHOLE_DAY=1 go test -count=1 -timeout 60m -v -run '^TestDay$$' ./sensors/bus
	./agent/web/setup.sh || echo "the browser tests are skipped"
	go test -tags soak -count=1 -timeout 90m -run Soak ./...
	go test -count=1 -timeout 30m -v -run '^TestNonInterference$$' ./agent -rapid.checks=3000 -rapid.nofailfile
	$(MAKE) --no-print-directory mutants

simulate: ## whole agents through years of bad power, clocks, networks, disks and changing minds (YEARS=20 SEED=1; agent/simulation)
	go test -tags soak -count=1 -timeout 24h -v -run '^TestSoakSimulation$$' ./agent/simulation

simulate-mutants: ## seed bugs one by one and want the simulation to fail with each (MUTANTS=pattern; half an hour)
	CANDOR_SUITE=simulation CANDOR_FIRST_ONLY=1 PATIENCE=0 LIVES=$(or $(LIVES),10) CANDOR_MUTANTS='$(or $(MUTANTS),.)' \
		go test -count=1 -timeout 3h -v -run TestSeededBugsAreKilled ./store/consent/mutants

mutants: ## seed bugs one by one and want a test to fail with each (MUTANTS=pattern; a few minutes)
	CANDOR_MUTANTS='$(or $(MUTANTS),.)' go test -count=1 -timeout 60m -v -run TestSeededBugsAreKilled ./store/consent/mutants

# One each of: what counts under a yes, whose yes, when inside a tick, a key, a role.
FAULTS := ^(a reading before the yes counts|no yes is asked for|a withdrawn yes counts as given|what is complete follows the newest reading|a key outlives the withdrawal|a technician grants)$$

faults: ## seed a handful of those bugs, quickly
	@CANDOR_MUTANTS='$(FAULTS)' go test -count=1 -timeout 10m -run TestSeededBugsAreKilled ./store/consent/mutants

# Not a part of check: it installs packages and takes half an hour. sensors/rig/README.md says what it shows and what it can't.
hardware-sim: ## the device binary on emulated boards with a stock kernel, chips, lines and power cuts (CUTS=50; Debian, apt)
	./sensors/rig/setup.sh arm rpi
	go test -tags hardwaresim -v -count=1 -timeout 90m ./sensors/rig

check: ## all that has to hold before a change is accepted
	@state() { git status --porcelain -uall; git diff | cksum; }; \
	in_git=; git rev-parse --git-dir >/dev/null 2>&1 && in_git=yes; \
	[ -z "$$in_git" ] || before=$$(state); \
	$(MAKE) --no-print-directory format length vet staticcheck licences test faults nocgo cross || exit 1; \
	$(MAKE) --no-print-directory fuzz FUZZTIME=200x || exit 1; \
	if [ -z "$$in_git" ]; then echo "not a git checkout: whether files were left behind is not checked"; \
	elif [ "$$before" != "$$(state)" ]; then \
		echo "the run changed the tree, a test or a tool left something behind:"; git status --porcelain -uall; exit 1; \
	else echo "tree: unchanged by the run"; fi
	@echo "check: all passed"

format: ## every file is as gofmt writes it
	@bad=$$(find . -name '*.go' -not -path './.git/*' -not -path './bin/*' -exec gofmt -l {} +) || exit 1; \
	if [ -n "$$bad" ]; then echo "not formatted, run gofmt -w on:"; echo "$$bad"; exit 1; fi
	@echo "format: fine"

length: ## no file but tests is over the ceiling of lines
	@find . -name '*.go' -not -name '*_test.go' -not -path './.git/*' -not -path './bin/*' -exec awk -v most=$(CEILING) \
		'FNR == most + 1 { print FILENAME ": over " most " lines, split it by what it is about"; bad = 1 } END { exit bad }' {} + \
		&& echo "length: no file over $(CEILING) lines"

vet: ## go vet
	go vet ./...
	go vet -tags hardwaresim ./sensors/rig

staticcheck: ## staticcheck with every check on, as pinned in .ci/tools.mod
	$(STATICCHECK) -checks all ./...

nocgo: ## everything builds without a C compiler
	CGO_ENABLED=0 go build ./...

cross: ## build the device binary for arm64 and ARMv6, and hold its size against the budget; candor-mqtt is the one with MQTT
	@go run ./agent/package/slim bin/slim
	@for target in $(TARGETS); do for flavour in $(FLAVOURS); do \
		set -- $$target; goarch=$$1 goarm=$$2 dir=$(OUT)/linux-$$1$${2:+v$$2}; set -- $$flavour; \
		case $$goarch in arm) round=" -R 4096" ;; arm64) round=" -R 16384" ;; *) round= ;; esac; \
		GOOS=linux GOARCH=$$goarch GOARM=$$goarm CGO_ENABLED=0 go build $(SLIM) $(STRIP) $(TAGS),$$2 $(SMALL) -o $$dir/$$1 ./agent/candor || exit 1; \
		size=$$(($$(wc -c <$$dir/$$1))); \
		echo "$$dir/$$1: $$size bytes, the budget is $(BUDGET)"; \
		if [ $$size -gt $(BUDGET) ]; then echo "over the budget by $$((size - $(BUDGET))) bytes"; [ $$1 != candor ] || exit 1; fi; \
	done; done
	@echo "the command line, with the cobra of these builds:"
	@go test $(SLIM) ./agent/cli

# armhf is ARMv6, as Raspberry Pi OS has it.
DEB_ARCHS ?= amd64 arm64 armhf
FLAVOUR   ?= nomqtt

deb: ## make Debian packages into bin/deb (DEB_ARCHS="arm64 armhf", CONF=folder with your files for /etc/candor, FLAVOUR=mqtt)
	@mkdir -p bin/deb
	@go run ./agent/package/slim bin/slim
	@go build -o bin/deb/package ./agent/package
	@for arch in $(DEB_ARCHS); do \
		case $$arch in armhf) goarch=arm goarm=6 round=" -R 4096" ;; arm64) goarch=arm64 goarm= round=" -R 16384" ;; *) goarch=$$arch goarm= round= ;; esac; \
		GOOS=linux GOARCH=$$goarch GOARM=$$goarm CGO_ENABLED=0 go build -buildvcs=auto $(SLIM) $(STRIP) $(TAGS),$(FLAVOUR) $(SMALL) \
			-o bin/deb/$$arch/candor ./agent/candor || exit 1; \
		bin/deb/package -out bin/deb $(if $(CONF),-conf "$(CONF)") bin/deb/$$arch/candor || exit 1; \
	done

# Nothing is taken from the compiler's cache of before, and the two folders have names of different length. In git it is the last
# commit that is built, without what is not committed yet.
REPRODUCE ?= armhf

reproducible: ## build the packages twice, in two folders, and compare them byte by byte (REPRODUCE="amd64 arm64 armhf"; some minutes)
	@dir=$$(mktemp -d) || exit 1; trap 'rm -rf "$$dir"' EXIT; mkdir "$$dir/another-name"; \
	for at in a another-name/b; do \
		if git rev-parse --git-dir >/dev/null 2>&1; then git clone -q . "$$dir/$$at" || exit 1; else mkdir "$$dir/$$at" && cp -R . "$$dir/$$at" && rm -rf "$$dir/$$at/bin" || exit 1; fi; \
		(cd "$$dir/$$at" && GOCACHE="$$dir/cache" $(MAKE) --no-print-directory deb DEB_ARCHS="$(REPRODUCE)") || exit 1; \
		rm -rf "$$dir/cache"; \
	done; \
	for deb in "$$dir"/a/bin/deb/*.deb; do \
		cmp "$$deb" "$$dir/another-name/b/bin/deb/$$(basename "$$deb")" || { echo "two builds differ"; exit 1; }; \
		echo "$$(basename "$$deb"): the same bytes from two builds, sha256 $$(sha256sum <"$$deb" | cut -d' ' -f1)"; \
	done

licences: ## every module has a licence that is known and allowed, in what is shipped and in tests
	@go run ./agent/package -licences >/dev/null && echo "licences: all known and allowed"

bench-peers: ## run the workload that others were measured with (OTELCOL=, TELEGRAF= name their binaries)
	@./agent/bench/run.sh peers

bench: ## measure the budgets (agent/bench)
	@if [ ! -f agent/bench/run.sh ]; then echo "agent/bench/run.sh is not there"; exit 1; fi
	@./agent/bench/run.sh

armv6: ## run the tests of packages as ARMv6 programs, under an emulator where there is one (qemu-user-static)
	@./.ci/armv6.sh

vulnerable: ## look for known vulnerabilities in what is called, where their list can be reached
	@out=$$(go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./... 2>&1); code=$$?; \
	case "$$code:$$out" in \
	0:*) echo "vulnerable: none known is called";; \
	*"fetching vulnerabilities"*|*"dial tcp"*|*"no such host"*|*"module lookup disabled"*|*"403 Forbidden"*|*"404 Not Found"*) echo "vulnerable: skipped, the list or the tool can't be reached from here";; \
	*) echo "$$out"; exit 1;; \
	esac

fleet: ## play many objects against a receiver and measure it (ARGS="-devices 1000 -nats 3 -receivers 2", -h lists more)
	@go build $(TAGS) -o bin/ ./uplink/candor-receiver
	@go build -o bin/fleet ./uplink/receive/fleet
	@./bin/fleet $(ARGS)

fuzz: ## run every fuzz target for a short while (FUZZTIME=5s)
	@grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$(dirname "$$file")" </dev/null || exit 1; \
		done || exit 1; \
	done

clean: ## remove what was built
	rm -rf bin
