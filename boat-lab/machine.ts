import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Seeded } from '../packages/sim/src/fixture/seeded.ts';
import type { Builder } from './builder.ts';
import { type CommandResult, connectShell } from './guest-shell.ts';
import { type CardSpeed, type NbdServer, serveCard } from './nbd-server.ts';
import { connectQmp, type Qmp, untilAnswer } from './qmp.ts';
import { type CutSectors, type FlushMode, openVolatileCard, type VolatileCard } from './volatile-card.ts';

/**
 * Timeouts for one command, for a boot until the shell is ready, and for a normal shutdown, which take 35 s, 30 s and 5 s on an
 * idle machine. The lab must also work on a machine whose cores are busy with other work.
 */
const COMMAND_MAX_MS = 20 * 60_000;
const BOOT_MAX_MS = 20 * 60_000;
const SHUTDOWN_MAX_MS = 10 * 60_000;

/** The boat's memory and processors. A Raspberry Pi has more memory, which QEMU would have to take from the host. */
const MEMORY_MB = 512;
const PROCESSORS = 2;
/** A Raspberry Pi has no battery-backed clock. systemd sets the clock to its own build date at every boot. */
const CLOCK_AT_START = '1970-01-01T00:00:00';

/** File name of a saved machine in its folder. */
const STATE_FILE = 'machine-state';

export interface MachineOptions {
  /**
   * Folder in which the machine creates a folder for its sockets. Its path must be short, because a socket's path can have at
   * most 107 characters.
   */
  readonly scratch: string;
  /** Folder with `vmlinuz` and `initrd.gz`. */
  readonly system: string;
  /** The card image. It changes. */
  readonly image: string;
  /** Determines what remains after a power cut. */
  readonly seeded: Seeded;
  readonly flushMode: FlushMode;
  /** Memory in MB. Default: 512. */
  readonly memoryMb?: number;
  /** Default: the card answers at once. */
  readonly speed?: CardSpeed;
  /** Folder written by {@link BoatMachine.save}. The saved machine continues from it. Without it, the boat boots. */
  readonly saved?: string;
}

/** What happened when the power was cut. */
export interface PowerCut extends CutSectors {
  /** Number of write requests that the card had received since the machine was started. */
  readonly writes: number;
}

/** An emulated Raspberry Pi with a card that loses unflushed data when the power is cut. */
export interface BoatMachine {
  /** Resolves to true when the shell is ready, and to false if power fails first. Rejects if the boot takes too long. */
  readonly ready: Promise<boolean>;
  /** Resolves when the power has been cut. */
  readonly powerCut: Promise<PowerCut>;
  /** Runs a shell command as root. */
  run(command: string): Promise<CommandResult>;
  /** Number of write requests that the card has received since the machine was started. */
  writes(): number;
  /**
   * Cuts the power when the card has received `writes` write requests, before it answers the last one. Replaces an earlier plan.
   */
  cutAtWrite(writes: number): void;
  /** Cuts the power now. */
  cut(): Promise<PowerCut>;
  /** Takes the network interface's link down, or restores it. Has no effect on a machine without power. */
  setLink(state: 'up' | 'down'): Promise<void>;
  /** Stops the machine and writes its memory to `folder`. Afterwards the image contains everything that the boat wrote. */
  save(folder: string): Promise<void>;
  /** Shuts the boat down properly. Afterwards the image contains everything that the boat wrote. */
  powerOff(): Promise<void>;
  /** The last lines that the kernel and systemd wrote to the serial console. */
  console(): string;
  /** Ends all of the machine's processes. Has no effect on a machine that has ended. */
  close(): Promise<void>;
}

/** Turns the boat on, or resumes a saved one. */
export async function startMachine(builder: Builder, options: MachineOptions): Promise<BoatMachine> {
  const folder = mkdtempSync(join(options.scratch, 'machine-'));
  const card = openVolatileCard(options.image, options.flushMode);
  let cutAtWrites = Number.POSITIVE_INFINITY;
  const server = await serveCard(
    card,
    join(folder, 'card.sock'),
    () => {
      if (card.writes() >= cutAtWrites) power.cut();
    },
    options.speed,
  );
  const process = startProcess(builder, options, folder);
  const power = connectPower(card, server, process, options.seeded);
  const { shell, qmp } = await connectAll(folder, process, options).catch(async (error: unknown) => {
    await process.kill();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`${error instanceof Error ? error.message : String(error)}: ${process.errors()}`);
  });
  let lastConsole = '';
  const console = (): string => (existsSync(folder) ? readTail(join(folder, 'console.log')) : lastConsole);
  const close = async (): Promise<void> => {
    shell.close();
    qmp.close();
    await process.kill();
    await server.close();
    card.close();
    lastConsole = console();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    ready: withTimeout(shell.ready, BOOT_MAX_MS, () => `the boat did not boot:\n${console()}`),
    powerCut: power.failed,
    run: (command) => shell.run(command, COMMAND_MAX_MS),
    writes: () => card.writes(),
    cutAtWrite: (writes) => (cutAtWrites = writes),
    cut() {
      power.cut();
      return power.failed;
    },
    async setLink(state) {
      if (!power.hasFailed())
        await qmp.execute('set_link', { name: 'n0', up: state === 'up' }).catch(() => undefined);
    },
    async save(target) {
      await qmp.execute('stop');
      await qmp.execute('migrate', { uri: `file:/run-lab/${STATE_FILE}` });
      await untilAnswer(qmp, 'query-migrate', ({ status }) => status === 'completed');
      copyFileSync(join(folder, STATE_FILE), join(target, STATE_FILE));
      await close();
    },
    async powerOff() {
      // The command has no result: the shell ends with the boat.
      void shell.run('systemctl poweroff', SHUTDOWN_MAX_MS).catch(() => undefined);
      await withTimeout(process.ended, SHUTDOWN_MAX_MS, () => `the boat did not shut down:\n${console()}`);
      await close();
    },
    console,
    close,
  };
}

interface QemuProcess {
  readonly ended: Promise<unknown>;
  hasEnded(): boolean;
  errors(): string;
  kill(): Promise<void>;
}

function startProcess(builder: Builder, options: MachineOptions, folder: string): QemuProcess {
  const saved = options.saved === undefined ? {} : { '/saved': options.saved };
  const child = builder.start('qemu-system-aarch64', toArguments(options), {
    '/run-lab': folder,
    '/system': options.system,
    ...saved,
  });
  let errors = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = once(child, 'exit');
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    ended,
    hasEnded,
    errors: () => errors,
    async kill() {
      if (!hasEnded()) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The boat's power. A cut first drops the card's cache, so nothing that the boat does afterwards can reach the card. */
function connectPower(card: VolatileCard, server: NbdServer, process: QemuProcess, seeded: Seeded) {
  let isCut = false;
  let settle: (cut: PowerCut) => void = () => undefined;
  const failed = new Promise<PowerCut>((resolve) => (settle = resolve));
  return {
    failed,
    hasFailed: () => isCut,
    cut(): void {
      if (isCut) return;
      isCut = true;
      server.stopAnswering();
      const cut = { ...card.cut(seeded), writes: card.writes() };
      void process.kill().then(() => settle(cut));
    },
  };
}

async function connectAll(folder: string, process: QemuProcess, { saved }: MachineOptions) {
  const shell = await connectShell(
    join(folder, 'shell.sock'),
    process.hasEnded,
    saved === undefined ? 'boots' : 'continues',
  );
  const qmp: Qmp = await connectQmp(join(folder, 'qmp.sock'), process.hasEnded);
  if (saved !== undefined) {
    await untilAnswer(qmp, 'query-status', ({ status }) => status !== 'inmigrate');
    await qmp.execute('cont');
  }
  return { shell, qmp };
}

/** The console and the card are virtio devices. QEMU provides the network, so nothing has to be set up on the host. */
function toArguments({ saved, memoryMb = MEMORY_MB }: MachineOptions): readonly string[] {
  return [
    ...['-M', 'virt', '-accel', 'tcg,thread=multi', '-cpu', 'cortex-a72'],
    ...['-smp', String(PROCESSORS), '-m', String(memoryMb), '-nodefaults', '-nographic', '-no-reboot'],
    ...['-rtc', `base=${CLOCK_AT_START}`],
    ...['-kernel', '/system/vmlinuz', '-initrd', '/system/initrd.gz'],
    ...['-append', 'console=ttyAMA0 quiet panic=-1 mitigations=off'],
    ...['-drive', 'driver=nbd,server.type=unix,server.path=/run-lab/card.sock,if=none,id=d0'],
    ...['-device', 'virtio-blk-pci,drive=d0', '-device', 'virtio-rng-pci'],
    ...['-serial', 'file:/run-lab/console.log', '-device', 'virtio-serial-pci'],
    ...[
      '-chardev',
      'socket,id=c1,path=/run-lab/shell.sock,server=on,wait=off',
      '-device',
      'virtconsole,chardev=c1',
    ],
    ...['-netdev', 'user,id=n0,ipv6=off', '-device', 'virtio-net-pci,netdev=n0,romfile='],
    ...['-qmp', 'unix:/run-lab/qmp.sock,server=on,wait=off'],
    ...(saved === undefined ? [] : ['-incoming', `file:/saved/${STATE_FILE}`]),
  ];
}

const TAIL_CHARACTERS = 3_000;

function readTail(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1').slice(-TAIL_CHARACTERS) : '';
}

async function withTimeout<T>(work: Promise<T>, maxMs: number, toMessage: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${toMessage()}\nThe limit is ${maxMs / 60_000} minutes.`)),
      maxMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
