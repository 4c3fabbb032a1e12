# shellcheck shell=sh
# Saves the legacy exporter's units while this package replaces them, and restores them. The maintainer
# scripts of the package and `d3kos-export rollback` include it. Every function can be repeated after a power cut at any point.
set -eu

# Contains a copy of the legacy units in `units/`, and the names of those that were running in `active`.
LEGACY=/var/lib/d3kos-export/legacy
# Paths of files that purge must keep, one per line. Written when the package is removed.
UNDELIVERED=/var/lib/d3kos-export/undelivered
ETC=/etc/systemd/system
# The timer is before its service, because the service's file shows which exporter the timer belongs to. In the other order, a
# power cut between the two would leave the timer behind.
UNITS='d3kos-export-daily.timer d3kos-export-daily.service d3kos-export-manager.service d3kos-export-boot.service'

is_booted() {
  [ -d /run/systemd/system ]
}

# Succeeds if the unit in /etc belongs to another exporter. A unit that runs this package's program is the owner's modified copy of
# its unit.
is_legacy() {
  [ -f "$ETC/$1" ] && [ ! -L "$ETC/$1" ] && ! grep -q '^ExecStart=.*/usr/bin/d3kos-export' "$ETC/$1"
}

# Prints the legacy exporter's files below /etc/systemd/system: units, their drop-in folders, and the links that enable them.
list_legacy() {
  for unit in $UNITS; do
    # A timer contains no program name. It belongs to the same exporter as its service.
    case $unit in
      *.timer) is_legacy "${unit%.timer}.service" && [ -f "$ETC/$unit" ] || continue ;;
      *) is_legacy "$unit" || continue ;;
    esac
    echo "$unit"
    [ ! -d "$ETC/$unit.d" ] || echo "$unit.d"
    for link in "$ETC"/*.wants/"$unit" "$ETC"/*.requires/"$unit"; do
      [ ! -L "$link" ] || echo "${link#"$ETC"/}"
    done
  done
}

# Stops the legacy exporter and moves its units away. Its program, scripts and data stay where they are.
keep_legacy() {
  found=$(list_legacy)
  [ -n "$found" ] || return 0
  echo "d3kos-export: keeping the legacy exporter's units in $LEGACY"
  mkdir -p "$LEGACY/units"
  if [ ! -e "$LEGACY/active" ]; then
    for unit in $UNITS; do
      if is_booted && systemctl --quiet is-active "$unit"; then echo "$unit"; fi
    done >"$LEGACY/active.tmp"
    mv "$LEGACY/active.tmp" "$LEGACY/active"
  fi
  if is_booted; then
    # shellcheck disable=SC2086 # A list of names.
    systemctl stop $UNITS 2>/dev/null || true
    # shellcheck disable=SC2086 # A list of names.
    # A failure of a legacy unit is not a failure of the unit that replaces it.
    systemctl reset-failed $UNITS 2>/dev/null || true
  fi
  for file in $found; do
    mkdir -p "$LEGACY/units/$(dirname "$file")"
    cp -a --remove-destination "$ETC/$file" "$LEGACY/units/$(dirname "$file")/"
  done
  # The copy must be on the disk before the first original is removed.
  sync -f "$LEGACY"
  for file in $found; do rm -rf "${ETC:?}/$file"; done
  if is_booted; then systemctl daemon-reload; fi
}

stop_own() {
  # shellcheck disable=SC2086 # A list of names.
  if is_booted; then systemctl stop $UNITS; fi
}

# Hands the queue to the legacy exporter in the legacy format, and records the undelivered files. If it fails, no list exists, so that
# purge keeps every file. `set -e` has no effect in a function that is called before `||`, so each command is followed by `&&`.
hand_over() {
  mkdir -p "${UNDELIVERED%/*}" &&
    rm -f "$UNDELIVERED" &&
    setpriv --reuid=d3kos --regid=d3kos --init-groups --reset-env d3kos-export rollback --data >"$UNDELIVERED.tmp" &&
    sync "$UNDELIVERED.tmp" &&
    mv "$UNDELIVERED.tmp" "$UNDELIVERED" &&
    sync -f "$UNDELIVERED"
}

# Succeeds after a complete rollback: the units with our units' names belong to the legacy exporter.
is_rolled_back() {
  is_legacy d3kos-export-manager.service && [ ! -d "$LEGACY/units" ]
}

# Restores the legacy exporter's units, and starts those that were running before. Does nothing if no copy exists.
put_legacy_back() {
  [ -d "$LEGACY/units" ] || return 0
  echo 'd3kos-export: restoring the legacy exporter'
  # The legacy units have the same names, so the links of this package's units would also enable them. The helper needs the name of
  # a package, which dpkg does not set for `d3kos-export rollback`.
  # shellcheck disable=SC2086 # A list of names.
  DPKG_MAINTSCRIPT_PACKAGE=d3kos-export deb-systemd-helper purge $UNITS >/dev/null || true
  cp -a --remove-destination "$LEGACY/units/." "$ETC/"
  sync -f "$ETC"
  if is_booted; then
    systemctl daemon-reload
    # shellcheck disable=SC2086 # A list of names.
    systemctl reset-failed $UNITS 2>/dev/null || true
    while read -r unit; do
      systemctl start --no-block "$unit" || echo "d3kos-export: $unit did not start; see systemctl status $unit" >&2
    done <"$LEGACY/active"
  fi
  # It is renamed first, so that a power cut leaves either a complete copy or none.
  rm -rf "$LEGACY.restored"
  mv "$LEGACY" "$LEGACY.restored"
  rm -rf "$LEGACY.restored"
}
