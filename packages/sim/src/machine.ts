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
  /** Maximum duration of one disk step, in virtual time. */
  readonly diskLatencyMaxMs: number;
}

/** A boot of the machine. */
export interface Boot {
  readonly world: World;
  readonly clock: MachineClock;
  readonly power: Power;
}

/** A boat's computer. Its medium and databases survive a power cut. All other state lasts for one boot only. */
export interface SimMachine {
  readonly medium: DiskMedium;
  readonly databases: SimDatabases;
  /**
   * Boots from the medium as the last power cut left it. `wallMs` is the time that its clock shows. `plan` determines at which
   * step power fails, and `aftermath` which unsynced data survives.
   */
  boot(options?: { readonly wallMs?: number; readonly plan?: CutPlan; readonly aftermath?: Aftermath }): Boot;
  isOn(): boolean;
  /** Cuts power: the boot ends, and a random part of its unsynced data is lost. Has no effect if the machine is off. */
  powerCut(): void;
  /** Cuts power and removes the real files. */
  close(): void;
}

/** Creates a switched-off machine with an empty disk. */
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
    if (current?.power.isOn()) throw new Error(`${name} is already on`);
    boots += 1;
    const bootRandom = random.fork(`boot ${boots}`);
    const power = createPower(plan);
    const machineClock = clock.forMachine(wallMs);
    trace.add({ kind: 'boot', boot: boots });
    power.onCut(() => {
      machineClock.stop();
      medium.powerLoss(bootRandom.fork('medium'), aftermath);
      trace.add({ kind: 'power_lost', steps: power.steps() });
    });
    current = {
      clock: machineClock,
      power,
      world: {
        clock: machineClock,
        random: bootRandom.fork('world'),
        disk: createSimDisk(medium, {
          power,
          clock: machineClock,
          random: bootRandom.fork('disk'),
          latencyMaxMs: options.diskLatencyMaxMs,
        }),
        databases: databases.boot(power, bootRandom.fork('ledger'), machineClock.monotonic, aftermath),
        ...network.boot(machineClock, power),
        compressor: createSimCompressor(),
        log: createTraceLog(trace, power, databases.realPath('/')),
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

/** Compresses synchronously. With threads, the order in which two compressions finish would not be reproducible. */
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

/** Writes the boat's log to the trace. Real paths are removed because they differ between two runs of a seed. */
function createTraceLog(trace: Trace, power: Power, realRoot: string): Log {
  return {
    write: (level, message, facts) => {
      if (!power.isOn()) return;
      const clean = (text: string): string => text.replaceAll(realRoot, '/');
      trace.add({
        kind: 'log',
        level,
        message: clean(message),
        facts: facts === undefined ? undefined : clean(JSON.stringify(facts)),
      });
    },
  };
}
