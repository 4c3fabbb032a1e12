import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Card } from '../../crash/card.ts';
import { createLimitGroups, NO_GROUPS } from './booted-limits.ts';
import { runHost } from './booted-root.ts';
import { until } from './until.ts';

/** Timeout for one command in the machine. The longest one unpacks a package, which takes 3 s on an idle machine. */
const COMMAND_MAX_MS = 180_000;

/** The address on the shore side, where central listens, and that on the boat's side. */
export const SHORE_ADDRESS = '10.77.0.1';
export const BOAT_ADDRESS = '10.77.0.2';

/** The boat's data folder, a separate mount. */
const CARD = 'opt/d3kos/data';

/** The result of a command in the machine. */
export interface Ran {
  readonly code: number | null;
  /** stdout and stderr. */
  readonly output: string;
}

/** Options that differ between machines. */
export interface MachineOptions {
  /** Stores every file that the machine writes, so that its power can be cut. Default: a folder. */
  readonly disk?: Card;
  /** Stores only the boat's data. Default: a folder on the disk. */
  readonly data?: Card;
  /** Whether `MemoryMax=` and `TasksMax=` are enforced, which needs separate groups on a host with cgroup v1. */
  readonly limits?: 'enforced' | 'as on the host';
}

/** A booted Debian system with systemd as its first process, and a network cable that can be cut. */
export interface Machine {
  /** The machine's file system as seen from the host. It may be changed freely before the first `boot`. */
  readonly root: string;
  /**
   * Boots, and waits until multi-user.target is reached. With `read-only`, the machine cannot change its files, as after a storage
   * error. The card with the boat's data is mounted separately and stays writable.
   */
  boot(root?: 'writable' | 'read-only'): Promise<void>;
  /** Restarts the machine from inside, as `sudo reboot` does. */
  reboot(): Promise<void>;
  /** Switches the machine off at once. Its disk keeps everything, as if all processes had been killed. */
  stop(): Promise<void>;
  /** Cuts the power, so that everything not synced to the disk is lost. Needs a `disk`. */
  cutPower(): Promise<void>;
  /** Runs a shell command in the machine. */
  run(command: string): Promise<Ran>;
  /** Runs a shell command that must succeed, and returns its output. */
  ok(command: string): Promise<string>;
  /** Cuts the cable, or connects it again. */
  cable(state: 'cut' | 'connected'): Promise<void>;
  /** Starts a program on the shore side of the cable. It ends with the machine. */
  onShore(
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): ChildProcess;
  /** Runs a program on the shore side of the cable until it exits, and returns its output. Rejects if it fails. */
  runOnShore(program: string, ...args: readonly string[]): Promise<string>;
  /** Stops the machine and everything on the shore, and removes their files and networks. */
  remove(): Promise<void>;
}

/** Creates a machine that starts with the files in `lower`, which remains unchanged. */
export async function createMachine(lower: string, options: MachineOptions = {}): Promise<Machine> {
  const { disk, data } = options;
  const folder = disk?.path ?? mkdtempSync(join(tmpdir(), 'd3kos-booted-'));
  const name = `d3kos${process.pid}`;
  const [shore, boat] = [`${name}-shore`, `${name}-boat`];
  const groups = options.limits === 'enforced' ? createLimitGroups(name) : NO_GROUPS;
  const root = join(folder, 'merged');
  for (const part of ['upper', 'work', 'merged', 'card']) mkdirSync(join(folder, part));
  // The exports get a separate file system, because the export manager warns about an overlay, which a boat may have in memory.
  const card = data?.path ?? join(folder, 'card');
  await mountLayers(lower, folder, card);
  await layCable(shore, boat);
  const onShore = new Set<ChildProcess>();
  let container: ChildProcess | undefined;
  const run = (command: string): Promise<Ran> => enter(container, command);
  const stop = async (): Promise<void> => {
    if (container !== undefined) await endContainer(container);
    container = undefined;
  };
  const boot = async (access: 'writable' | 'read-only' = 'writable'): Promise<void> => {
    container = startContainer({ root, access, name, netns: boat, card, groups: groups.paths });
    // `is-system-running` does not work here, because it reports `starting` while the boot unit waits for the network.
    await until(
      'the machine has booted',
      async () => (await run('systemctl is-active multi-user.target')).code === 0,
    );
    await groups.delegate(findLeader(container));
  };
  return {
    root,
    boot,
    async reboot() {
      const ended = container === undefined ? undefined : once(container, 'exit');
      await run('systemctl reboot');
      await ended;
      await boot();
    },
    stop,
    async cutPower() {
      if (disk === undefined) throw new Error('only a machine with a separate disk can lose power');
      await disk.cut();
      await stop();
      // A lazy unmount would leave the file system mounted without power.
      await until('the layers are unmounted', () => unmountLayers(folder) === 'unmounted');
      disk.restart();
      await mountLayers(lower, folder, card);
    },
    run,
    async ok(command) {
      const { code, output } = await run(command);
      if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
      return output.trim();
    },
    cable: async (state) => {
      await runHost('ip', '-n', shore, 'link', 'set', 'shore0', state === 'cut' ? 'down' : 'up');
    },
    onShore(program, args, environment) {
      const child = spawn('ip', ['netns', 'exec', shore, program, ...args], {
        env: { PATH: process.env['PATH'], ...environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onShore.add(child);
      return child;
    },
    runOnShore: (program, ...args) => runHost('ip', 'netns', 'exec', shore, program, ...args),
    async remove() {
      for (const child of onShore) await endChild(child, 'SIGTERM');
      await stop();
      await groups.remove();
      await until('the layers are unmounted', () => unmountLayers(folder) === 'unmounted');
      for (const netns of [shore, boat]) spawnSync('ip', ['netns', 'delete', netns]);
      if (disk === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Mounts the machine's file system below `folder`, with `card` as the boat's data folder. */
async function mountLayers(lower: string, folder: string, card: string): Promise<void> {
  const root = join(folder, 'merged');
  const layers = `lowerdir=${lower},upperdir=${folder}/upper,workdir=${folder}/work`;
  await runHost('mount', '-t', 'overlay', 'overlay', '-o', layers, root);
  mkdirSync(join(root, CARD), { recursive: true });
  await runHost('mount', '--bind', card, join(root, CARD));
}

/** Unmounts every layer that is not in use. */
function unmountLayers(folder: string): 'unmounted' | 'in use' {
  const root = join(folder, 'merged');
  // `mountpoint` does not work here, because it cannot read a folder on a file system without power.
  const isMounted = (path: string): boolean =>
    readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} `);
  for (const path of [join(root, CARD), root])
    if (isMounted(path) && spawnSync('umount', [path]).status !== 0) return 'in use';
  return 'unmounted';
}

/** Two network namespaces connected by a virtual cable. NetworkManager in the machine gives its end an address. */
async function layCable(shore: string, boat: string): Promise<void> {
  await runHost('ip', 'netns', 'add', shore);
  await runHost('ip', 'netns', 'add', boat);
  await runHost(
    'ip',
    '-n',
    boat,
    'link',
    'add',
    'boat0',
    'type',
    'veth',
    'peer',
    'name',
    'shore0',
    'netns',
    shore,
  );
  await runHost('ip', '-n', shore, 'address', 'add', `${SHORE_ADDRESS}/24`, 'dev', 'shore0');
  for (const device of ['lo', 'shore0']) await runHost('ip', '-n', shore, 'link', 'set', device, 'up');
}

/** The NetworkManager profile for the boat's end of the cable. */
export const NETWORK_PROFILE = `[connection]
id=boat
type=ethernet
interface-name=boat0
[ipv4]
method=manual
address1=${BOAT_ADDRESS}/24,${SHORE_ADDRESS}
[ipv6]
method=disabled
`;

function startContainer(machine: {
  readonly root: string;
  readonly access: 'writable' | 'read-only';
  readonly name: string;
  readonly netns: string;
  readonly card: string;
  readonly groups: readonly string[];
}): ChildProcess {
  const { root, access, name, netns, card, groups } = machine;
  const join = groups.map((group) => `echo $$ > ${group}/cgroup.procs; `).join('');
  return spawn(
    'sh',
    [
      ...['-c', `${join}exec "$@"`, 'sh', 'systemd-nspawn'],
      ...(access === 'read-only' ? ['--read-only'] : []),
      ...['-D', root, '--boot', '--register=no', '--keep-unit', '--console=pipe', '-M', name],
      ...[`--network-namespace-path=/run/netns/${netns}`, '--capability=CAP_NET_ADMIN'],
      ...[`--bind=${card}:/${CARD}`],
    ],
    { stdio: 'ignore' },
  );
}

/** The first process of the container, a child of nspawn. */
function findLeader({ pid }: ChildProcess): string | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return undefined;
  const [leader] = readFileSync(path, 'utf8').split(' ');
  return leader === '' ? undefined : leader;
}

async function enter(container: ChildProcess | undefined, command: string): Promise<Ran> {
  const leader = container === undefined ? undefined : findLeader(container);
  if (leader === undefined) return { code: null, output: 'the machine does not run' };
  const child = spawn('nsenter', ['-t', leader, '-a', 'sh', '-c', command], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_MAX_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  // The event's first argument is the exit code.
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Killing only nspawn would leave the container running. */
async function endContainer(container: ChildProcess): Promise<void> {
  const leader = findLeader(container);
  if (leader !== undefined) process.kill(Number(leader), 'SIGKILL');
  await endChild(container, 'SIGTERM');
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
