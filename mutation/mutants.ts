import { CREATE_EXPORT_MUTANTS } from './create-export.ts';
import { DELIVERY_MUTANTS } from './delivery.ts';
import { DURABILITY_MUTANTS } from './durability.ts';
import { ENVIRONMENT_MUTANTS } from './environment.ts';
import { FIELD_MUTANTS } from './field.ts';
import { FULL_CARD_MUTANTS } from './full-card.ts';
import { LEDGER_MUTANTS } from './ledger.ts';
import { POLICY_MUTANTS } from './policies.ts';
import { READER_MUTANTS } from './readers.ts';
import { SOURCE_MUTANTS } from './sources.ts';
import type { Mutant } from './mutant.ts';
import { BUNDLE_MUTANTS } from './bundles.ts';
import { CENTRAL_MUTANTS } from './central.ts';
import { CENTRAL_DATABASE_MUTANTS } from './central-database.ts';
import { CENTRAL_LEDGER_MUTANTS } from './central-ledgers.ts';

/** All hand-written mutants. Every mutant. The tests must kill each of them. */
export const MUTANTS: readonly Mutant[] = [
  ...POLICY_MUTANTS,
  ...DURABILITY_MUTANTS,
  ...LEDGER_MUTANTS,
  ...FULL_CARD_MUTANTS,
  ...CREATE_EXPORT_MUTANTS,
  ...DELIVERY_MUTANTS,
  ...CENTRAL_MUTANTS,
  ...CENTRAL_DATABASE_MUTANTS,
  ...CENTRAL_LEDGER_MUTANTS,
  ...BUNDLE_MUTANTS,
  ...SOURCE_MUTANTS,
  ...ENVIRONMENT_MUTANTS,
  ...READER_MUTANTS,
  ...FIELD_MUTANTS,
];
