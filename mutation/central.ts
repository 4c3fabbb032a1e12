import type { Mutant } from './mutant.ts';

const ADMISSION_POLICY = 'packages/central/src/admission/policy.ts';
const ADMISSION_POLICY_TESTS = ['packages/central/src/admission/policy.test.ts'];
const PART_IDENTITY = 'packages/central/src/import/part-identity.ts';
const PART_IDENTITY_TESTS = ['packages/central/src/import/part-identity.test.ts'];
const STORE = 'packages/central/src/import/store-part.ts';
const STORE_TESTS = ['packages/central/src/import/store-part.test.ts'];
const ROUTE_TESTS = ['packages/central/src/http/import-route.test.ts'];
const BODY_TESTS = ['packages/central/src/http/import-body.test.ts'];
const ACCESS_TESTS = ['packages/central/src/http/import-access.test.ts'];
const ADMISSION_TESTS = ['packages/central/src/http/import-admission.test.ts'];
const SCAN = 'packages/central/src/import/scan-document.ts';
const SCAN_TESTS = ['packages/central/src/import/scan-document.test.ts'];
const GUARD_TESTS = ['packages/central/src/http/credential-guard.test.ts'];
const TOKEN_TESTS = ['packages/central/src/installations/tokens.test.ts'];
const QUOTA_TESTS = ['packages/central/src/http/import-quota.test.ts'];
const POOL_TESTS = ['packages/central/src/platform/worker-pool.test.ts'];
const INSTALLATIONS_TESTS = ['packages/central/src/installations/policy.test.ts'];

const GAP_TESTS = ['packages/central/src/import/gaps.test.ts'];

/** Faults in central. */
export const CENTRAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'a different body under a used key counts as a repetition',
    file: PART_IDENTITY,
    before: "return storedSha256 === sha256 ? 'repeat' : 'conflict';",
    after: "return 'repeat';",
    killedBy: PART_IDENTITY_TESTS,
  },
  {
    name: "a key may name a part other than the document's",
    file: PART_IDENTITY,
    before: 'if (key.partIndex !== part.index)',
    after: 'if (key.partIndex < 1)',
    killedBy: PART_IDENTITY_TESTS,
  },
  {
    name: 'one more request than allowed may wait for a permit',
    file: ADMISSION_POLICY,
    before: 'return waiting < permitsMax * WAITING_PER_PERMIT_MAX;',
    after: 'return waiting <= permitsMax * WAITING_PER_PERMIT_MAX;',
    killedBy: ADMISSION_POLICY_TESTS,
  },
  {
    name: 'a node stores one more concurrent import than allowed',
    file: 'packages/central/src/admission/permits.ts',
    before: 'if (taken < permitsMax) {',
    after: 'if (taken <= permitsMax) {',
    killedBy: ADMISSION_TESTS,
  },
  {
    name: 'unfinished bodies are kept in memory without a limit',
    file: ADMISSION_POLICY,
    before: 'return held.total + sizeBytes > limits.heldSizeMaxBytes',
    after: 'return held.total + sizeBytes < 0',
    killedBy: ADMISSION_POLICY_TESTS,
  },
  {
    name: 'a timestamp without a time zone is accepted',
    file: 'packages/central/src/import/claimed-time.ts',
    before: '(?:Z|[+-]\\d{2}:?\\d{2})$/',
    after: '(?:Z|[+-]\\d{2}:?\\d{2})?$/',
    killedBy: ['packages/central/src/import/claimed-time.test.ts'],
  },
  {
    name: 'an older export overwrites a newer one',
    file: 'packages/central/src/store/record-tables.ts',
    before: 'and (excluded.sequence < held.sequence',
    after: 'and (excluded.sequence > held.sequence',
    killedBy: STORE_TESTS,
  },
  {
    name: 'an earlier part of one export overwrites a later one',
    file: 'packages/central/src/store/record-tables.ts',
    before: 'excluded.part_index < held.part_index',
    after: 'excluded.part_index > held.part_index',
    killedBy: ['packages/central/src/import/part-order.test.ts'],
  },
  {
    name: 'the sequences of two ledgers are compared',
    file: 'packages/central/src/store/record-tables.ts',
    before: '(held.ledger_id = excluded.ledger_id',
    after: '(true',
    killedBy: ['packages/central/src/import/store-part-ledgers.test.ts'],
  },
  {
    name: 'if two records have the same ID, the earlier one wins',
    file: 'packages/central/src/import/records.ts',
    before: 'else byId.set(read.record.recordId, read.record);',
    after: 'else if (!byId.has(read.record.recordId)) byId.set(read.record.recordId, read.record);',
    killedBy: STORE_TESTS,
  },
  {
    name: 'an import is not registered under its key',
    file: 'packages/central/src/import/register-part.ts',
    before: '), inserted_import as (${INSERT_IMPORT}',
    after: '), inserted_import as (select 1',
    killedBy: ROUTE_TESTS,
  },
  {
    name: 'a repetition is not reported as a duplicate',
    file: STORE,
    before: '...toHeldReceipt(held), duplicate: true',
    after: '...toHeldReceipt(held), duplicate: false',
    killedBy: ['packages/central/src/import/store-trouble.test.ts'],
  },
  {
    name: "two nodes do not wait for each other while storing a boat's parts",
    file: STORE,
    before: 'where installation_id = $1::text for update',
    after: 'where installation_id = $1::text',
    killedBy: ['packages/central/src/import/store-trouble.test.ts'],
  },
  {
    name: 'rejected records are not stored',
    file: STORE,
    before: 'await insertRejected(tx, part);',
    after: '',
    killedBy: STORE_TESTS,
  },
  {
    name: "a boat may write in another boat's name",
    file: 'packages/central/src/import/prepare-part.ts',
    before: 'claims.installation_id !== part.installationId',
    after: "claims.installation_id === ''",
    killedBy: ACCESS_TESTS,
  },
  {
    name: 'a body that does not match its digest is accepted',
    file: 'packages/central/src/http/import-route.ts',
    before: 'return claimed === sha256Base64 ? undefined',
    after: "return claimed !== '' ? undefined",
    killedBy: BODY_TESTS,
  },
  {
    name: 'a large body is decoded on the main thread',
    file: 'packages/central/src/import/thread-policy.ts',
    before: 'return wireSizeBytes <= MAIN_THREAD_SIZE_MAX_BYTES;',
    after: 'return wireSizeBytes >= 0;',
    killedBy: ['packages/central/src/import/thread-policy.test.ts'],
  },
  {
    name: 'a decoded body may be a quarter larger than the limit',
    file: 'packages/central/src/import/decode-body.ts',
    before: 'maxOutputLength: sizeMaxBytes,',
    after: 'maxOutputLength: sizeMaxBytes * 1.25,',
    killedBy: ['packages/central/src/import/decode-body.test.ts'],
  },
  {
    name: 'a body of unknown length is read without a limit',
    file: 'packages/central/src/http/body.ts',
    before: 'if (sizeBytes > sizeMaxBytes) {',
    after: 'if (sizeBytes < 0) {',
    killedBy: BODY_TESTS,
  },
  {
    name: 'a revoked token is accepted',
    file: 'packages/central/src/installations/policy.ts',
    before: 'return !facts.isEnded;',
    after: 'return true;',
    killedBy: INSTALLATIONS_TESTS,
  },
  {
    name: 'the short ID shown on a screen gives access to every installation',
    file: 'packages/central/src/installations/policy.ts',
    before: 'return facts.isAllowed && purpose',
    after: 'return purpose',
    killedBy: INSTALLATIONS_TESTS,
  },
  {
    name: "the short ID shown on a screen gives access to the boat's data",
    file: 'packages/central/src/installations/policy.ts',
    before: "return facts.isAllowed && purpose === 'import';",
    after: 'return facts.isAllowed;',
    killedBy: INSTALLATIONS_TESTS,
  },
  {
    name: 'a body keeps every received chunk in memory',
    file: 'packages/central/src/http/body.ts',
    before: 'if (pieces.length - joined === PIECES_MAX) {',
    after: 'if (pieces.length < 0) {',
    killedBy: ['packages/central/src/http/body.test.ts'],
  },
  {
    name: 'a document may hold any number of values',
    file: SCAN,
    before: 'if (values > VALUES_MAX || outerValues',
    after: 'if (values < 0 || outerValues',
    killedBy: SCAN_TESTS,
  },
  {
    name: 'a record may hold any number of values',
    file: SCAN,
    before: "if (values > RECORD_VALUES_MAX) return 'values';",
    after: "if (values < 0) return 'values';",
    killedBy: SCAN_TESTS,
  },
  {
    name: 'a record may be as large as its document',
    file: SCAN,
    before: "return sizeBytes > RECORD_SIZE_MAX_BYTES ? 'bytes'",
    after: "return sizeBytes < 0 ? 'bytes'",
    killedBy: SCAN_TESTS,
  },
  {
    name: 'a few hundred bytes may decode to a body of the maximum size',
    file: 'packages/central/src/import/decode-body.ts',
    before: 'Math.min(sizeMaxBytes, ratioMaxBytes)',
    after: 'sizeMaxBytes',
    killedBy: ['packages/central/src/import/decode-body.test.ts'],
  },
  {
    name: 'a thread may work on one body forever',
    file: 'packages/central/src/platform/worker-pool.ts',
    before: "setTimeout(() => this.#end(thread, 'time'), this.#limits.runMaxMs)",
    after: "setTimeout(() => this.#end(thread, 'time'), 600_000)",
    killedBy: POOL_TESTS,
  },
  {
    name: 'the boat that took the most CPU time is served first',
    file: 'packages/central/src/platform/worker-pool.ts',
    before: 'if (own < bestRank)',
    after: 'if (own > bestRank)',
    killedBy: POOL_TESTS,
  },
  {
    name: 'an upload whose token was revoked in the meantime is stored',
    file: STORE,
    before: "if (!held.isCredentialValid) return { kind: 'revoked' };",
    after: '',
    killedBy: ACCESS_TESTS,
  },
  {
    name: 'a repeated upload is answered although its token was revoked in the meantime',
    file: 'packages/central/src/import/find-repeated.ts',
    before: "and not i.is_disabled and ${isCredentialValidSql('$2', '$3')}",
    after: 'and not i.is_disabled and ($2::text is null or $3::timestamptz is not null)',
    killedBy: ACCESS_TESTS,
  },
  {
    name: 'one installation takes all memory for bodies',
    file: ADMISSION_POLICY,
    before: 'if (held.installation + sizeBytes > limits.installationHeldMaxBytes)',
    after: 'if (held.installation + sizeBytes < 0)',
    killedBy: ADMISSION_POLICY_TESTS,
  },
  {
    name: 'stalled uploads keep their memory while other boats wait',
    file: 'packages/central/src/admission/held-bytes.ts',
    before: 'if (total + sizeBytes > limits.heldSizeMaxBytes) evictFor(upload, sizeBytes);',
    after: '',
    killedBy: ADMISSION_TESTS,
  },
  {
    name: 'an upload that was fast at first never counts as slow',
    file: ADMISSION_POLICY,
    before: 'return { startMs: nowMs, sizeBytes, wasSlow: isSlow(window, nowMs) };',
    after: 'return { ...window, sizeBytes: window.sizeBytes + sizeBytes };',
    killedBy: ADMISSION_POLICY_TESTS,
  },
  {
    name: 'a boat may take any amount of CPU time',
    file: 'packages/central/src/admission/work-meter.ts',
    before: 'meter.spentMs = spentMs(installationId) + cpuMs;',
    after: 'meter.spentMs = spentMs(installationId);',
    killedBy: ADMISSION_TESTS,
  },
  {
    name: 'answers that a boat does not read pile up',
    file: 'packages/central/src/http/reply.ts',
    before: 'if (text.length > BUFFERED_ANSWER_LENGTH_MAX)',
    after: 'if (text.length < 0)',
    killedBy: ADMISSION_TESTS,
  },
  {
    name: 'a boat may store any amount a day',
    file: 'packages/central/src/import/store-part.ts',
    before: "if (exceeded !== undefined) return { kind: 'over_quota', amount: exceeded };",
    after: '',
    killedBy: QUOTA_TESTS,
  },
  {
    name: "a boat's individual limits are ignored",
    file: 'packages/central/src/import/quota-policy.ts',
    before: '(override[amount] ?? quota[amount])',
    after: '(quota[amount] ?? override[amount])',
    killedBy: QUOTA_TESTS,
  },
  {
    name: 'a daily quota never resets',
    file: 'packages/central/src/import/usage.ts',
    before: '.toISOString().slice(0, 10)',
    after: '.toISOString().slice(0, 8) + "01"',
    killedBy: QUOTA_TESTS,
  },
  {
    name: "imports use up the disk's reserve",
    file: 'packages/central/src/http/storage-check.ts',
    before: '(await storage.freeBytes()) < storage.reserveBytes',
    after: '(await storage.freeBytes()) < 0',
    killedBy: QUOTA_TESTS,
  },
  {
    name: 'an address may guess any number of tokens',
    file: 'packages/central/src/installations/policy.ts',
    before: 'return presentFailures < FAILURES_BURST;',
    after: 'return presentFailures >= 0;',
    killedBy: GUARD_TESTS,
  },
  {
    name: "a known boat behind an attacker's address is locked out",
    file: 'packages/central/src/http/authorize.ts',
    before: "if (decision.kind !== 'refused') guard.noteAccepted(credential);",
    after: "if (decision.kind !== 'refused') guard.refusedCount();",
    killedBy: GUARD_TESTS,
  },
  {
    name: 'a client chooses the address to which its refused tokens are attributed',
    file: 'packages/central/src/http/sender.ts',
    before: "forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1)",
    after: "forwardedFor.slice(0, `${forwardedFor},`.indexOf(','))",
    killedBy: GUARD_TESTS,
  },
  {
    name: 'revoking one token revokes them all',
    file: 'packages/central/src/installations/tokens.ts',
    before:
      'revoked_at = coalesce(revoked_at, $3::timestamptz)\n       where installation_id = $1::text and left(token_sha256, ${TOKEN_ID_LENGTH}) = $2::text',
    after:
      'revoked_at = coalesce(revoked_at, $3::timestamptz)\n       where installation_id = $1::text and ($2::text is not null or left(token_sha256, ${TOKEN_ID_LENGTH}) = $2::text)',
    killedBy: TOKEN_TESTS,
  },
  {
    name: 'a token does not expire',
    file: 'packages/central/src/installations/credential.ts',
    before: 'or coalesce(t.expires_at <= ${now}::timestamptz, false)',
    after: 'or coalesce(t.expires_at <= ${now}::timestamptz and false, false)',
    killedBy: TOKEN_TESTS,
  },
  {
    name: 'a revocation leaves no trace',
    file: 'packages/central/src/installations/enroll.ts',
    before: "{ ...event, event: what === 'installation' ? 'installation_disabled' : 'tokens_revoked' },",
    after: "{ ...event, event: 'enrolled' },",
    killedBy: TOKEN_TESTS,
  },
  {
    name: 'an export that its boat withdrew is still reported as a gap',
    file: 'packages/central/src/import/gap-policy.ts',
    before: 'isWithdrawn: !range.isWithdrawn }',
    after: 'isWithdrawn: range.isWithdrawn }',
    killedBy: GAP_TESTS,
  },
  {
    name: 'an export remains a gap after its last part has arrived',
    file: 'packages/central/src/import/gaps.ts',
    before: 'const filled = isFilled ? sequence : undefined;',
    after: 'const filled = isFilled ? undefined : undefined;',
    killedBy: GAP_TESTS,
  },
  {
    name: "an import uses the database server's default isolation level",
    file: 'packages/central/src/platform/pg-store.ts',
    before: "const BEGIN = 'begin isolation level read committed';",
    after: "const BEGIN = 'begin';",
    killedBy: ['packages/central/src/import/store-trouble.test.ts'],
  },
];
