#!/usr/bin/env bash
# Installs what the browser tests need: a headless Chromium and a font from Debian (as root, by apt), and axe-core from npm, pinned,
# under bin/axe-core. Run it once; later runs do nothing.
# Exit status: 0 all is there; 2 something is missing that it could not get, said in one sentence. The tests skip with the reason then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

AXE=4.14.1 # MPL-2.0, used by the tests alone
AXE_SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

die() { echo "agent/web/setup.sh: $*" >&2; exit 2; }

browser() {
  local b
  for b in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$b" >/dev/null && return 0
  done
  command -v apt-get >/dev/null || die "there is no Chromium, and no apt to install it from Debian"
  [ "$(id -u)" = 0 ] || die "there is no Chromium, and only root can install it: apt-get install chromium-headless-shell fonts-dejavu-core"
  apt-get update -q >/dev/null 2>&1 || true # an index that fails is no reason to stop
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium-headless-shell fonts-dejavu-core >/dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 ||
    die "Chromium could not be installed from Debian's archive"
}

axe() {
  local file=bin/axe-core/axe.min.js work
  [ -f "$file" ] && echo "$AXE_SHA256  $file" | sha256sum -c --status && return 0
  command -v npm >/dev/null || die "there is no npm to fetch axe-core $AXE with"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  (cd "$work" && npm pack --silent "axe-core@$AXE" >/dev/null 2>&1) || die "axe-core $AXE could not be fetched"
  tar -xzf "$work/axe-core-$AXE.tgz" -C "$work" package/axe.min.js package/LICENSE
  echo "$AXE_SHA256  $work/package/axe.min.js" | sha256sum -c --status || die "axe-core $AXE is not the file it was: its digest differs"
  mkdir -p bin/axe-core
  cp "$work/package/axe.min.js" "$work/package/LICENSE" bin/axe-core/
}

browser
axe
