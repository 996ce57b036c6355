#!/usr/bin/env bash
# Regenerates generated_client/ from relay.json, in the environment of requirements/generate.txt; see --help.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! MAKEFLAGS='' make --silent --no-print-directory -C "$root" setup; then
  printf '%s\n' 'the environment could not be set up.' >&2
  exit 2
fi
PYTHONPATH=$root PYTHONSAFEPATH=1 PYTHONUTF8=1 exec "$root/.venv/bin/python" -m generator "$@"
