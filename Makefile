# `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help build man demo test chaos fuzz bench postgres promtool pgbouncer lint fmt install clean

PREFIX  ?= /usr/local
# SQLite's code is translated from C and has locks of its own: watching it for races takes longer than the tests.
RACE    := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-d=checkptr=0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)
FUZZTIME ?= 30s
LINT    := go tool -modfile=.ci/tools/go.mod golangci-lint
VULN    := go tool -modfile=.ci/tools/go.mod govulncheck

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/papertrade: one file that needs no library
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/papertrade ./cmd/papertrade

# Dated by the commit, so that the same source makes the same pages.
MAN     := TZ=UTC SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 0) bin/papertrade man
man: build ## bin/man: a man page of each command
	@rm -rf bin/man
	$(MAN) bin/man

demo: build ## a refresh without network, key or server
	CGO_ENABLED=0 go build -trimpath -o bin/fakevantage ./internal/fakevantage/cmd/fakevantage
	@testdata/demo

# Nothing is left out here: of the scripts' four kinds of databases the race detector sees one, and all are played without it. What
# is built without cgo is built the same way by tests of cmd/papertrade.
test: export PAPERTRADE_TEST_REQUIRE = 1
test: postgres promtool pgbouncer ## all tests, with the race detector but for the longest
	go test $(RACE) -timeout 15m -skip '^TestScripts$$/^(sqlite-.*|postgres-own)$$' ./... # of a package, on a busy machine
	CGO_ENABLED=0 go test -run 'TestAYearOfMidnights|TestScarceQuota|TestAKeyWithFewer|TestAQuarterOfNights|TestChaos|TestScripts' ./internal/refresh ./cmd/papertrade

# make test plays a short form. A failure prints the seed that repeats its choices: PAPERTRADE_TEST_SEED.
chaos: postgres pgbouncer ## kills, a vendor of every vice, servers that go away: nothing is lost, doubled or leaked
	PAPERTRADE_TEST_REQUIRE=1 PAPERTRADE_TEST_CHAOS=full go test -count 1 -timeout 30m -v -run '^TestChaos$$' ./cmd/papertrade

# What a target finds is kept in testdata/fuzz beside it, and make test tries that again from then on.
fuzz: ## every parser on texts made up for FUZZTIME (30s) each
	@list=$$(go test -list '^Fuzz' ./...) && found='' && for target in $$(echo "$$list" | \
		awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { while (n) print $$2 ":" name[n--] }'); do \
		go test -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime $(FUZZTIME) "$${target%:*}" || found="$$found $$target"; \
	done; if [ -n "$$found" ]; then echo "There is a finding of$$found." >&2; exit 1; fi

bench: postgres ## how close runs come to the least time that the limits allow (x-floor)
	go test -run '^$$' -bench . -benchtime 1x ./internal/refresh ./internal/config

# The tests start a private cluster of their own; all they need is the server's programs.
postgres:
	@if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		if command -v apt-get >/dev/null; then \
			$(SUDO) apt-get update -qq && \
			$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql; \
		else \
			echo 'The tests need PostgreSQL: install its server, so that initdb is on the PATH.' >&2; exit 1; \
		fi; \
	fi

# They check the metrics and the README's alerts with promtool. Debian's package would start a server.
promtool:
	@if ! command -v promtool >/dev/null && ! [ -x bin/promtool ]; then \
		if command -v apt-get >/dev/null; then \
			$(SUDO) apt-get update -qq && mkdir -p bin && cd bin && \
			apt-get download -qq -o APT::Sandbox::User=root prometheus && \
			dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool && \
			rm prometheus_*.deb; \
		else \
			echo 'The tests need promtool, of Prometheus: install it, so that it is on the PATH.' >&2; exit 1; \
		fi; \
	fi

# They go through pgbouncer to Postgres. Debian's package would start a server, so that it is only unpacked, with the libraries
# that this system lacks.
pgbouncer: postgres
	@if ! command -v pgbouncer >/dev/null && ! [ -x /usr/sbin/pgbouncer ] && ! [ -x bin/pgbouncer/usr/sbin/pgbouncer ]; then \
		if command -v apt-get >/dev/null; then \
			$(SUDO) apt-get update -qq && mkdir -p bin/pgbouncer/partial && \
			$(SUDO) apt-get install -qq -y --no-install-recommends --download-only \
				-o APT::Sandbox::User=root -o Dir::Cache::archives=$(CURDIR)/bin/pgbouncer pgbouncer && \
			for package in bin/pgbouncer/*.deb; do dpkg-deb -x $$package bin/pgbouncer || exit 1; done && \
			rm -f bin/pgbouncer/*.deb; \
		else \
			echo 'The tests need pgbouncer: install it, so that it is on the PATH.' >&2; exit 1; \
		fi; \
	fi

# The linter's own dependencies stay in a module of their own, so that they cannot move the program's.
lint: ## vet, golangci-lint and its walls between packages, known vulnerabilities
	go vet ./...
	$(LINT) run ./...
	@found=$$($(VULN) -C cmd/papertrade -scan module 2>&1); case "$$? $$found" in \
		0*) echo 'No vulnerability is known of the modules that the program is built from.';; \
		3*) $(VULN) ./...;; \
		*'fetching vulnerabilities'*) echo "Vulnerabilities were not looked for: $$found";; \
		*) echo "$$found" >&2; exit 1;; \
	esac

fmt: ## format the code
	$(LINT) fmt ./...

# Root often has no Go on its path: then what is built is installed as it is.
install: $(if $(or $(shell command -v go),$(if $(wildcard bin/papertrade),,none)),build) ## PREFIX/bin/papertrade and its man pages (PREFIX is /usr/local)
	install -D bin/papertrade $(DESTDIR)$(PREFIX)/bin/papertrade
	@pages=$$(mktemp -d) && $(MAN) $$pages && \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $$pages/*.1 && rm -r $$pages

clean: ## remove what was built
	rm -rf bin
