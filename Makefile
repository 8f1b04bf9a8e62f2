# What a contributor runs. `make run` and `make test` are all that README promises.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 60s

.PHONY: drill run test build fmt vet lint fuzz cover bench

run: build ## a gateway on the development keys, which shows what it does
	./bin/stashring serve --dev

build:
	go build -o bin/ ./cmd/...

test: fmt vet lint ## everything that must hold
	go test -race ./...

fmt:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...

lint:
	go run $(STATICCHECK) ./...

fuzz: ## every fuzz target, FUZZTIME each
	@go list -f '{{.Dir}} {{.ImportPath}}' ./... | while read -r dir pkg; do \
		for target in $$(grep -hoE '^func (Fuzz[A-Za-z0-9_]+)' "$$dir"/*_test.go 2>/dev/null | cut -d' ' -f2); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$pkg"; \
		done; \
	done

cover:
	go test -coverprofile=coverage.out -coverpkg=./... ./...
	go tool cover -func=coverage.out | tail -n 1

bench:
	go test -run '^$$' -bench . -benchmem ./...

drill: build ## roll the keys under load, and count what is lost
	go run ./internal/drill
