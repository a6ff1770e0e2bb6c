#!/usr/bin/env bash
# Prints a flag for `go build` that leaves package regexp out of the device
# binary, 225 KB of it. The command line library compiles one pattern at start,
# for the name of an environment variable; a loop does the same. Only that is
# replaced, in a copy under bin/ of the module that go.sum vouches for, and `go
# version -m` says of the program that it was built with the copy. When the
# library does not have the lines that are known here, nothing is replaced: the
# program is larger then, and does the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dir=$(go list -m -f '{{.Dir}}' github.com/spf13/cobra)
from=$dir/completions.go
if [ "$(grep -c regexp "$from")" != 2 ] ||
	! grep -qxF 'var configEnvVarPrefixSubstRegexp = regexp.MustCompile(`[^A-Z0-9_]`)' "$from" ||
	[ "$(grep -cF '	v = configEnvVarPrefixSubstRegexp.ReplaceAllString(v, "_")' "$from")" != 1 ] ||
	grep -l regexp "$dir"/*.go | grep -v _test.go | grep -qvF "$from"; then
	echo "slim: github.com/spf13/cobra is not as known; built as it is" >&2
	exit 0
fi
rm -rf bin/slim
mkdir -p bin/slim/cobra
cp "$dir"/*.go "$dir"/go.mod "$dir"/LICENSE.txt bin/slim/cobra/
chmod -R u+w bin/slim
rm bin/slim/cobra/*_test.go
sed -e '/^	"regexp"$/d' -e '/^var configEnvVarPrefixSubstRegexp = /d' \
	-e 's/^	v = configEnvVarPrefixSubstRegexp.ReplaceAllString(v, "_")$/	v = strings.Map(func(r rune) rune { if r >= '"'A' \&\& r <= 'Z' || r >= '0' \&\& r <= '9' || r == '_' { return r }; return '_' }"', v)/' \
	"$from" >bin/slim/cobra/completions.go
cp go.mod go.sum bin/slim/
echo 'replace github.com/spf13/cobra => ./bin/slim/cobra' >>bin/slim/go.mod
echo "-modfile=bin/slim/go.mod"
