import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './booted-machine.ts';

/** The programs called by the maintainer scripts and by dpkg. Power is cut before one of these calls. */
const PROGRAMS = [
  ...['dpkg-deb', 'systemctl', 'deb-systemd-helper', 'deb-systemd-invoke', 'systemd-sysusers', 'setpriv'],
  ...['cp', 'mv', 'rm', 'rmdir', 'mkdir', 'install', 'chown', 'chmod', 'sync', 'find'],
];

/** Number of bytes that dpkg unpacks before a cut during unpacking: about half of the largest file. */
const UNPACKED_BYTES = 60_000_000;

/**
 * Counts the calls in /run/cut/count. At the call specified in /run/cut/at, it reports that the moment was reached, and waits for
 * the power cut.
 */
const WRAPPER = `#!/bin/sh
count=$(( $(cat /run/cut/count 2>/dev/null || echo 0) + 1 ))
echo $count >/run/cut/count
name=\${0##*/}
echo "\${DPKG_MAINTSCRIPT_NAME:-dpkg}: $name $*" >>/run/cut/calls
at=$(cat /run/cut/at)
if [ "$at" = "$count" ]; then
  : >/run/cut/reached
  exec sleep infinity
fi
if [ "$at" = unpacking ] && [ "$name $1" = 'dpkg-deb --fsys-tarfile' ]; then
  "/usr/bin/$name" "$@" | head -c ${UNPACKED_BYTES}
  : >/run/cut/reached
  exec sleep infinity
fi
exec "/usr/bin/$name" "$@"
`;

/**
 * A moment at which power fails while dpkg runs: before the call with this number, counted from 1, or while it unpacks the
 * files.
 */
export type CutMoment = number | 'unpacking' | 'never';

/** Installs wrappers around the programs in the machine. */
export function prepareCuts(machine: Machine): void {
  const folder = join(machine.root, 'cut');
  mkdirSync(folder);
  for (const program of PROGRAMS) {
    writeFileSync(join(folder, program), WRAPPER);
    chmodSync(join(folder, program), 0o755);
  }
}

/**
 * Runs a dpkg command until it ends or reaches the moment of the cut, and returns the calls that it made. The caller cuts the
 * power if `wasReached`.
 */
export async function runUntilCut(
  machine: Machine,
  command: string,
  at: CutMoment,
): Promise<{ readonly wasReached: boolean; readonly calls: readonly string[] }> {
  const output = await machine.ok(`rm -rf /run/cut && mkdir -p /run/cut && echo ${at} >/run/cut/at
    (PATH=/cut:$PATH ${command} >/run/cut/output 2>&1; echo $? >/run/cut/code) >/dev/null 2>&1 &
    while [ ! -e /run/cut/reached ] && [ ! -s /run/cut/code ]; do sleep 0.02; done
    if [ ! -e /run/cut/reached ]; then cat /run/cut/output >&2; [ "$(cat /run/cut/code)" = 0 ]; fi
    if [ -e /run/cut/reached ]; then echo reached; else echo ended; fi >/run/cut/end
    cat /run/cut/end /run/cut/calls`);
  const lines = output.slice(output.search(/^(?:reached|ended)$/m)).split('\n');
  return { wasReached: lines[0] === 'reached', calls: lines.slice(1) };
}
