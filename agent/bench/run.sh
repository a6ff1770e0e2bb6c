#!/usr/bin/env bash
# Measures the budgets of the design and prints one table; `make bench` calls
# it. It takes Go, and some minutes on a small machine. With "peers" it runs the
# workload that others were measured with instead; `make bench-peers` calls it so.
#
#   BENCH_SAVE=1       also writes the table to agent/bench/results
#   BENCH_READINGS=N   readings of the recording, a million if not given
#   BENCH_BACKLOG=N    rows of the largest backlog, ten million if not given
#   BENCH_ONLY=WORDS   only the parts of the table whose names begin so, as start
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readings=${BENCH_READINGS:-1000000}
backlog=${BENCH_BACKLOG:-10000000}
work=$(mktemp -d "${TMPDIR:-/tmp}/candor-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

commit=unknown
if git rev-parse --git-dir >/dev/null 2>&1; then
	commit=$(git rev-parse --short HEAD)
	[ -z "$(git --no-optional-locks status --porcelain -- '*.go' go.mod go.sum)" ] || commit="$commit with changes"
fi

echo "bench: building" >&2
export CGO_ENABLED=0
go build -trimpath -ldflags "-s -w" -tags nethttpomithttp2 -o "$work/" ./uplink/candor-receiver ./agent/bench/gen ./agent/bench/measure ./agent/bench/ingest
# What is measured is built as it is shipped.
make --no-print-directory cross OUT="$work/own" BUDGET=100000000 TARGETS="\"$(go env GOARCH)\"" FLAVOURS='"candor nomqtt"' >/dev/null
cp "$work/own/linux-$(go env GOARCH)/candor" "$work/"
save=()
[ "${BENCH_SAVE:-}" != 1 ] || save=(-save agent/bench/results)
if [ "${1:-}" = peers ]; then
	"$work/measure" -peers -bin "$work" -recording none -commit "$commit, the peers' workload" -only "${BENCH_ONLY:-}" "${save[@]}"
	exit
fi
make --no-print-directory cross OUT="$work/sizes" >/dev/null || true # the table says what is over the budget
make --no-print-directory cross OUT="$work/symbols" SYMBOLS= BUDGET=100000000 TARGETS='"arm 6"' FLAVOURS='"candor nomqtt"' >/dev/null
go tool nm -size "$work/symbols/linux-armv6/candor" >"$work/sizes/symbols.txt"

"$work/gen" -n "$readings" >"$work/room.csv"
"$work/measure" -backlog "$backlog" -bin "$work" -sizes "$work/sizes" -recording "$work/room.csv" -readings "$readings" -commit "$commit" -only "${BENCH_ONLY:-}" "${save[@]}"
[ -z "${BENCH_ONLY:-}" ] || exit 0

echo "bench: 100 sensors on 4 simulated buses at 10 Hz, five seconds" >&2
go test -run '^$' -bench '^BenchmarkPlant$' -benchtime 1x ./sensors/bus | awk '/^BenchmarkPlant/ {
	for (i = 3; i < NF; i += 2) v[$(i+1)] = $i
	printf "\n100 sensors on 4 buses at 10 Hz (simulated wires): %.1f %% of one core, %.1f us CPU a reading, %.0f s CPU a day\n", v["%core"], v["cpu-us/reading"], v["cpu-s/day"]
}'
