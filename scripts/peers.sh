#!/usr/bin/env bash
# Installs the Debian packages against which tests of doors and of the server's database run: real software of others.
# Without root or apt it says what is missing; the tests that need it are skipped then.
set -euo pipefail

packages="mosquitto dcmtk postgresql"
program_of() {
    case "$1" in
        mosquitto) echo mosquitto ;;
        dcmtk) echo storescp ;;
        postgresql) echo pg_lsclusters ;;
    esac
}

missing=""
for package in $packages; do
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$(program_of "$package")" > /dev/null || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "all there: $packages"
elif [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing
else
    echo "missing:$missing; install them (on Debian: apt-get install$missing), or their tests are skipped" >&2
    exit 1
fi
