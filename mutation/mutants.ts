import { DELIVERY_MUTANTS } from './delivery.ts';
import { DURABILITY_MUTANTS } from './durability.ts';
import { LEDGER_MUTANTS } from './ledger.ts';
import { POLICY_MUTANTS } from './policies.ts';
import type { Mutant } from './mutant.ts';
import { CENTRAL_MUTANTS } from './central.ts';

/** Every mutant the suite must notice: decisions of the boat, its orderings, and central. */
export const MUTANTS: readonly Mutant[] = [
  ...POLICY_MUTANTS,
  ...DURABILITY_MUTANTS,
  ...LEDGER_MUTANTS,
  ...DELIVERY_MUTANTS,
  ...CENTRAL_MUTANTS,
];
