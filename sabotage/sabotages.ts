import { DELIVERY_SABOTAGES } from './delivery.ts';
import { DURABILITY_SABOTAGES } from './durability.ts';
import { LEDGER_SABOTAGES } from './ledger.ts';
import { POLICY_SABOTAGES } from './policies.ts';
import type { Sabotage } from './sabotage.ts';
import { SHORE_SABOTAGES } from './shore.ts';

/** Every sabotage the suite must notice: decisions of the boat, its orderings, and central. */
export const SABOTAGES: readonly Sabotage[] = [
  ...POLICY_SABOTAGES,
  ...DURABILITY_SABOTAGES,
  ...LEDGER_SABOTAGES,
  ...DELIVERY_SABOTAGES,
  ...SHORE_SABOTAGES,
];
