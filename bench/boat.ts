import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BoatlogStyle, writeBoatlog } from '../packages/sim/src/fixture/boatlog.ts';
import { writeBoat } from '../packages/sim/src/fixture/index.ts';

/** The random seed of every generated boat, so that the boat is the same in every run and on every machine. */
const SEED = 1;

/** A boat that has only a boatlog. The legacy exporter is measured on the same data. */
export interface BenchBoat {
  readonly root: string;
  readonly installationId: string;
  readonly boatlog: string;
  /** Adds new entries. */
  addRows(count: number): void;
  /** Stores the device token. */
  setToken(token: string): void;
}

/** Creates a tier 2 boat in `root` with `rows` boatlog entries of one style. */
export function makeBoat(root: string, rows: number, style: BoatlogStyle = 'integer'): BenchBoat {
  const { installationId } = writeBoat(root, { generation: 'fresh', rows: 0, seed: SEED });
  const boatlog = join(root, 'data', 'boatlog', 'boatlog.db');
  mkdirSync(join(root, 'camera-recordings'), { recursive: true });
  let written = 0;
  const addRows = (count: number): void => {
    writeBoatlog(boatlog, { style, rows: count, seed: SEED + written, first: written });
    written += count;
  };
  addRows(rows);
  return {
    root,
    installationId,
    boatlog,
    addRows,
    setToken: (token) =>
      writeFileSync(join(root, 'config', 'export-credentials.json'), JSON.stringify({ token }), {
        mode: 0o600,
      }),
  };
}
