#!/bin/sh
# trigger-box @VERSION@: the program follows this script as a compressed archive. The first start
# unpacks it once; later starts only run it. TRIGGER_BOX_APP_DIR chooses another folder.
set -eu
id=@ID@
base=${TRIGGER_BOX_APP_DIR:-${XDG_STATE_HOME:-${HOME:-/var/lib/trigger-box}/.local/state}/trigger-box/app}
app=$base/$id
if [ ! -x "$app/trigger-box" ]; then
  fail() {
    echo "trigger-box: $1" >&2
    [ -z "${new:-}" ] || rm -rf "$new"
    exit 1
  }
  mkdir -p "$base" 2>/dev/null || fail "can't create $base. Set TRIGGER_BOX_APP_DIR to a folder that can be written to."
  new=$(mktemp -d "$base/.new.XXXXXX" 2>/dev/null) || fail "can't write to $base. Set TRIGGER_BOX_APP_DIR to another folder."
  trap 'rm -rf "$new"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  free=$(df -Pk "$base" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge @KILOBYTES@ ] || fail "$base needs @KILOBYTES@ kB of free disk to unpack, it has $free kB. Free some space, or set TRIGGER_BOX_APP_DIR."
  tail -n +@LINES@ "$0" | gzip -dc 2>/dev/null | tar -xf - -C "$new" 2>/dev/null ||
    fail "unpacking into $base failed: is the disk full, or this file cut short?"
  "$new/trigger-box" --version >/dev/null 2>"$new/.first-words" || {
    case $(cat "$new/.first-words") in
      *ermission\ denied*) fail "$base is mounted noexec: programs may not run there. Set TRIGGER_BOX_APP_DIR to another folder." ;;
      *GLIBC_*) fail "this machine's C library is too old: glibc @GLIBC@ or newer is needed." ;;
      *) fail "the unpacked program does not start: $(cat "$new/.first-words")" ;;
    esac
  }
  rm -f "$new/.first-words"
  # Renamed into place as a whole. If another start was quicker, its copy is as good as ours.
  mv -T "$new" "$app" 2>/dev/null || [ -x "$app/trigger-box" ] || fail "can't move the program to $app"
  # Older versions go, except where a process still runs from them.
  for old in "$base"/*; do
    [ "$old" = "$app" ] && continue
    busy=
    for process in /proc/[0-9]*/exe; do
      case $(readlink "$process" 2>/dev/null || :) in "$old"/*) busy=yes ;; esac
    done
    [ -n "$busy" ] || rm -rf "$old"
  done
  rm -rf "$new"
  trap - EXIT HUP INT TERM
fi
export TRIGGER_BOX_LAUNCHER="$(readlink -f "$0")"
exec "$app/trigger-box" "$@"
exit 1
