import type { Bench } from './run.ts';
export const benchQueue: Bench = async () => undefined;
