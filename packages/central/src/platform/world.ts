import { randomBytes } from 'node:crypto';
import type { RandomHex, WallClock } from './ports.ts';

/** The machine's clock. */
export const systemWall: WallClock = () => Date.now();

/** The machine's cryptographic randomness. */
export const systemRandomHex: RandomHex = (length) => randomBytes(length).toString('hex');
