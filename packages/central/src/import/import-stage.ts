/**
 * The stages of an import, in order: receiving the body, decoding it, waiting for a permit, searching for a repetition, preparing
 * the records, and the transaction that stores them.
 */
export const IMPORT_STAGES = ['receive', 'decode', 'wait', 'look_up', 'prepare', 'store'] as const;
export type ImportStage = (typeof IMPORT_STAGES)[number];

/** Runs and measures one stage of an import. */
export type MeasureStage = <Result>(stage: ImportStage, work: () => Promise<Result>) => Promise<Result>;

/** Runs a stage without measuring it. */
export const UNMEASURED: MeasureStage = (_stage, work) => work();
