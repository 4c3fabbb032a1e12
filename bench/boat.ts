import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BoatlogStyle, writeBoatlog } from '../packages/sim/src/fixture/boatlog.ts';
import { writeBoat } from '../packages/sim/src/fixture/index.ts';

/** The seed number of every made-up boat of a bench: the same boat in every run and on every machine. */
const SEED = 1;

/** A boat with nothing but a boatlog: what the seed's Python is measured on too. */
export interface BenchBoat {
  readonly root: string;
  readonly installationId: string;
  readonly boatlog: string;
  /** Writes entries that are new. */
  addRows(count: number): void;
  /** Lets it in at central. */
  setToken(token: string): void;
}

/** Makes a boat of tier 2 in `root` with `rows` boatlog entries of one style. */
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
