import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Compressor, Log, World } from '../../boat/src/platform/ports.ts';
import type { MachineClock, VirtualClock } from './clock.ts';
import { createSimDatabases, type SimDatabases } from './databases.ts';
import { createSimDisk } from './disk.ts';
import { DiskMedium } from './disk-medium.ts';
import type { Aftermath } from './disk-tear.ts';
import type { SimNetwork } from './network.ts';
import type { SimRandom } from './random.ts';
import type { Trace } from './trace.ts';
import { type CutPlan, createPower, type Power } from './power.ts';

export interface SimMachineOptions {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly trace: Trace;
  /** Longest one step of the disk takes, in virtual time. */
  readonly diskLatencyMaxMs: number;
}

/** What one boot of the machine gives. */
export interface Boot {
  readonly world: World;
  readonly clock: MachineClock;
  readonly power: Power;
}

/** A boat's computer: its medium and its databases stay, everything else is of one boot. */
export interface SimMachine {
  readonly medium: DiskMedium;
  readonly databases: SimDatabases;
  /**
   * Starts it on what the last power cut left. `wallMs` is what its clock believes, `plan` says at which step power fails,
   * `aftermath` what that leaves of what was not synced.
   */
  boot(options?: { readonly wallMs?: number; readonly plan?: CutPlan; readonly aftermath?: Aftermath }): Boot;
  isOn(): boolean;
  /** Takes the power: nothing of that boot goes on, and of what it had not synced chance decides. Harmless when off. */
  powerCut(): void;
  /** Cuts the power and removes the real files. */
  close(): void;
}

/** A machine that is off, with an empty disk. */
export function createSimMachine(options: SimMachineOptions): SimMachine {
  const { name, clock, random, network, trace } = options;
  const medium = new DiskMedium();
  const databases = createSimDatabases(medium);
  let boots = 0;
  let current: Boot | undefined;

  const boot: SimMachine['boot'] = ({
    wallMs = clock.wall(),
    plan = () => false,
    aftermath = 'torn',
  } = {}) => {
    if (current?.power.isOn()) throw new Error(`${name} is on already`);
    boots += 1;
    const chance = random.fork(`boot ${boots}`);
    const power = createPower(plan);
    const machineClock = clock.forMachine(wallMs);
    trace.add(`${name} boots, ${boots}`);
    power.onCut(() => {
      machineClock.stop();
      medium.powerLoss(chance.fork('medium'), aftermath);
      trace.add(`${name} loses power after ${power.steps()} steps`);
    });
    current = {
      clock: machineClock,
      power,
      world: {
        clock: machineClock,
        random: chance.fork('world'),
        disk: createSimDisk(medium, {
          power,
          clock: machineClock,
          random: chance.fork('disk'),
          latencyMaxMs: options.diskLatencyMaxMs,
        }),
        databases: databases.boot(power, chance.fork('ledger'), machineClock.monotonic, aftermath),
        ...network.boot(machineClock, power),
        compressor: createSimCompressor(),
        log: createTraceLog(name, trace, power, databases.realPath('/')),
      },
    };
    return current;
  };

  return {
    medium,
    databases,
    boot,
    isOn: () => current?.power.isOn() ?? false,
    powerCut: () => void current?.power.cut(),
    close: () => {
      current?.power.cut();
      databases.close();
    },
  };
}

/** Compression within the turn: on threads, two at once would end in an order of their own. */
function createSimCompressor(): Compressor {
  return {
    compress: async (bytes, coding) => {
      switch (coding) {
        case 'gzip':
          return gzipSync(bytes);
        case 'br':
          return brotliCompressSync(bytes);
        case 'zstd':
          return zstdCompressSync(bytes);
      }
    },
  };
}

/** What the boat says is part of what two runs must agree in. Paths of this machine's files are not. */
function createTraceLog(name: string, trace: Trace, power: Power, realRoot: string): Log {
  return {
    write: (level, message, facts) => {
      if (!power.isOn()) return;
      const told = facts === undefined ? message : `${message} ${JSON.stringify(facts)}`;
      trace.add(`${name} ${level} ${told.replaceAll(realRoot, '/')}`);
    },
  };
}
