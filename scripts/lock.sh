#!/usr/bin/env bash
# Write requirements.lock anew from pyproject.toml: every dependency and extra, with hashes, without an address, for CPython
# 3.11 (from Debian 12's 3.11.2 on) to 3.13 on Linux, wheels only. Versions already locked stay unless UPGRADE=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
TOOL=.cache/lock-tool
[ -x "$TOOL/bin/uv" ] || { "${PYTHON:-python3}" -m venv "$TOOL"; "$TOOL/bin/pip" install --quiet uv; }
"$TOOL/bin/uv" pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11.2 --generate-hashes --no-header \
    --no-annotate --no-emit-index-url --no-emit-find-links --only-binary :all: ${UPGRADE:+--upgrade} -o requirements.lock
if grep -nE '://|^-|file:|@ ' requirements.lock; then
    echo "lock: the lines above hold an address or an option; a lock file holds names, versions and hashes only" >&2
    exit 1
fi
