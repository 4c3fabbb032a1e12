import type { Bench } from './run.ts';
export const benchDeliver: Bench = async () => undefined;
