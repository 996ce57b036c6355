#!/usr/bin/env bash
# Regenerates generated_client/ from relay.json; every step's output is whole before the package is touched.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./generate.sh [--document FILE] [--overlay FILE]... [--output DIR] [--reference FILE]

Generates the client package from an OpenAPI document.
  --document FILE   the document; default: relay.json beside this script
  --overlay FILE    its overlay, repeatable; default: those that generator/config.yaml lists
  --output DIR      where the package goes; default: generated_client beside this script
  --reference FILE  where the list of its operations goes; default: docs/api.md, with the default output only

Exit codes: 0 generated, 1 the document is refused, 2 usage or environment.
TEXT
}

refuse() {
  printf '%s\n' "$1" >&2
  exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
document=$root/relay.json
output=
reference=
overlays=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --document | --overlay | --output | --reference) [ $# -gt 1 ] || refuse "$1 needs a value; see ./generate.sh --help" ;;
    *) refuse "unknown argument: $1; see ./generate.sh --help" ;;
  esac
  case $1 in
    --document) document=$2 ;;
    --overlay) overlays+=(--overlay "$2") ;;
    --output) output=$2 ;;
    --reference) reference=$2 ;;
  esac
  shift 2
done

[ -n "$output$reference" ] || reference=$root/docs/api.md
output=${output:-$root/generated_client}

MAKEFLAGS='' make --silent --no-print-directory -C "$root" setup || refuse "the environment could not be set up."
parent=$(mkdir -p "$(dirname "$output")" 2>/dev/null && cd "$(dirname "$output")" && pwd) ||
  refuse "the folder of $output can be neither entered nor made."
output=$parent/$(basename "$output")
export PATH="$root/.venv/bin:$PATH" PYTHONPATH=$root PYTHONSAFEPATH=1 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1

# An adoption that was killed half-way is undone before anything is generated.
if [ -e "$root/.adoption" ]; then "$root/.venv/bin/python" -m contract_check adopt --undo || exit 2; fi

# One run at a time: a link that names the process is made in one step, and tells whether its maker still lives.
lock=$parent/.$(basename "$output").lock
until ln -s $$ "$lock" 2>/dev/null; do
  [ -L "$lock" ] || refuse "$parent cannot be written to."
  holder=$(readlink "$lock") || continue
  if kill -0 "$holder" 2>/dev/null; then refuse "process $holder is generating $output. Wait for it, or stop it."; fi
  rm -f "$lock"
done
previous=$parent/.$(basename "$output").previous
work=$parent/.$(basename "$output").work
trap 'rm -rf "$work" "$lock"' EXIT
trap 'exit 130' INT TERM

# A swap is two renames; one that was killed between them is undone here.
if [ -e "$previous" ]; then
  if [ -e "$output" ]; then rm -rf "$previous"; else mv "$previous" "$output"; fi
fi
rm -rf "$work"
mkdir "$work" || exit 2

clock() { now=${EPOCHREALTIME:-$SECONDS.000000} && now=${now/[.,]/}; } # microseconds; whole seconds before bash 5
clock
step() {
  local before=$now
  clock
  printf '%2d.%02d s  %s\n' $(((now - before) / 1000000)) $(((now - before) / 10000 % 100)) "$1"
}

python() { "$root/.venv/bin/python" "$@"; }

python -m contract_check prepare "$document" ${overlays[@]+"${overlays[@]}"} --into "$work" || exit $?
step "read, checked and prepared $(basename "$document")"

python -m openapi_python_client generate --path "$work/document.json" --config "$work/config.json" \
  --custom-template-path "$work/templates" --output-path "$work/project" --meta uv --fail-on-warning \
  >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  printf '%s\n' "the generator refused $document; the package stays as it was." >&2
  exit 1
}
step "generated with openapi-python-client"

package=$work/project/generated_client
summary=$(python -m contract_check verify "$package" --prepared "$work/document.json" --previous "$output" \
  --reference "$work/api.md") || exit $?
step "verified: every module imports, every operation is there"

if [ -e "$output" ]; then mv "$output" "$previous"; fi
mv "$package" "$output"
rm -rf "$previous"
if [ -n "$reference" ]; then mkdir -p "$(dirname "$reference")" && mv "$work/api.md" "$reference"; fi
step "put in place"
printf '%s\n' "$summary"
cat "$work/notes"
