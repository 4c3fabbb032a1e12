import type { Mutant } from './mutant.ts';

const DELIVER_POLICY = 'packages/boat/src/deliver/policy';
const VERDICTS = `${DELIVER_POLICY}/verdict.ts`;
const VERDICT_TESTS = [`${DELIVER_POLICY}/verdict.test.ts`];
const BACKOFF = `${DELIVER_POLICY}/backoff.ts`;
const BACKOFF_TESTS = [`${DELIVER_POLICY}/backoff.test.ts`];
const SEND_ORDER = `${DELIVER_POLICY}/send-order.ts`;
const SEND_ORDER_TESTS = [`${DELIVER_POLICY}/send-order.test.ts`];
const BUDGET = `${DELIVER_POLICY}/data-budget.ts`;
const BUDGET_TESTS = [`${DELIVER_POLICY}/data-budget.test.ts`];
const ANSWER = `${DELIVER_POLICY}/answer.ts`;
const ANSWER_TESTS = [`${DELIVER_POLICY}/answer.test.ts`];
const SEND = 'packages/boat/src/deliver/send-part.ts';
const SEND_TESTS = ['packages/boat/src/deliver/send-part.test.ts'];
const RECEIPT = `${DELIVER_POLICY}/receipt.ts`;
const RECEIPT_TESTS = [`${DELIVER_POLICY}/receipt.test.ts`, ...SEND_TESTS];
const LICENSE = 'packages/boat/src/license/policy.ts';
const LICENSE_TESTS = ['packages/boat/src/license/policy.test.ts'];
const SCHEDULE = 'packages/boat/src/schedule/policy.ts';
const SCHEDULE_TESTS = ['packages/boat/src/schedule/policy.test.ts'];
const RETAIN = 'packages/boat/src/retain/policy.ts';
const RETAIN_TESTS = ['packages/boat/src/retain/policy.test.ts'];
const REQUEST_ORIGIN = 'packages/boat/src/http/request-origin.ts';
const REQUEST_ORIGIN_TESTS = ['tests/boat-api.test.ts'];
const COLLECT = 'packages/boat/src/collect/policy';
const LEDGER = 'packages/boat/src/ledger/policy.ts';
const LEDGER_TESTS = ['packages/boat/src/ledger/ledger.test.ts'];
const SPOOL_TESTS = ['packages/boat/src/spool/spool.test.ts'];

/** Faults in the boat's decisions. */
export const POLICY_MUTANTS: readonly Mutant[] = [
  {
    name: "a captive portal's 200 counts as an answer from central",
    file: ANSWER,
    before: "if (isHealth && isSuccess(status)) return { kind: 'central', health: json };",
    after: "if (isSuccess(status)) return { kind: 'central', health: json as Health };",
    killedBy: ANSWER_TESTS,
  },
  {
    name: "a redirect with central's body counts as a failure of central",
    file: ANSWER,
    before: "if (isRedirect(status)) return { kind: 'captive_portal' };",
    after: '',
    killedBy: ANSWER_TESTS,
  },
  {
    name: 'a foreign answer uses up an attempt',
    file: VERDICTS,
    before: 'if (isGatewayStatus(status)) {',
    after: 'if (status > 0) {',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a proxy that refuses one body counts as a captive portal',
    file: VERDICTS,
    before: 'return foreign(detail, refused);',
    after: 'return foreign(detail, failed(detail, retryAfterMs).ifCentral);',
    killedBy: VERDICT_TESTS,
  },
  {
    name: "a proxy's 413 does not cut the part",
    file: VERDICTS,
    before: 'if (status === 413 && facts.canCut)',
    after: 'if (status === 0 && facts.canCut)',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a connection that breaks at one body uses up its attempts although other bodies pass',
    file: VERDICTS,
    before: 'if (!facts.doOthersPass) return unavailable;',
    after: 'if (detail !== "") return unavailable;',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a gateway error counts as a captive portal',
    file: ANSWER,
    before: 'return status >= 500 && status <= 504;',
    after: 'return status >= 505 && status <= 504;',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'the status 429 blocks the destination',
    file: VERDICTS,
    before: "    case 429:\n      return { kind: 'throttled', detail, ...toWait(outcome.retryAfterMs) };\n",
    after: '',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'an exceeded quota at central fails the export after four attempts',
    file: VERDICTS,
    before: "return { kind: 'throttled', detail, ...toWait(outcome.retryAfterMs) };",
    after: 'return failed(detail, outcome.retryAfterMs);',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a refused token fails the export',
    file: VERDICTS,
    before: "return { kind: 'blocked', status, errorCode, detail };",
    after: "return { kind: 'rejected', by: 'central', errorCode, detail };",
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a conflict blocks the destination instead of failing the export',
    file: VERDICTS,
    before: '    case 409:\n',
    after: '',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'a wrong boat clock is reported as an expired certificate of central',
    file: `${DELIVER_POLICY}/tls-failure.ts`,
    before: '(code === EXPIRED_CODE && !clockSynchronized)',
    after: '(code === EXPIRED_CODE && clockSynchronized)',
    killedBy: VERDICT_TESTS,
  },
  {
    name: 'there is one more retry than in the legacy exporter',
    file: BACKOFF,
    before: '[0, 5 * 60_000, 15 * 60_000]',
    after: '[0, 5 * 60_000, 15 * 60_000, 15 * 60_000]',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'parts are cut smaller without a limit',
    file: `${DELIVER_POLICY}/part-size.ts`,
    before: '|| sizeBytes <= PART_SIZE_MIN_BYTES) return',
    after: '|| sizeBytes <= 0) return',
    killedBy: [`${DELIVER_POLICY}/part-size.test.ts`],
  },
  {
    name: 'the first retry waits',
    file: BACKOFF,
    before: 'RETRY_DELAYS_MS[spent.attemptsSpent - 1]',
    after: 'RETRY_DELAYS_MS[spent.attemptsSpent]',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'Retry-After can delay an export by a day',
    file: BACKOFF,
    before: 'RETRY_DELAY_MAX_MS = 60 * 60_000;',
    after: 'RETRY_DELAY_MAX_MS = 24 * 60 * 60_000;',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'a short Retry-After shortens the schedule',
    file: BACKOFF,
    before: 'Math.min(Math.max(baseMs, spent.retryAfterMs ?? 0), RETRY_DELAY_MAX_MS)',
    after: 'Math.min(spent.retryAfterMs ?? baseMs, RETRY_DELAY_MAX_MS)',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'probes do not slow down',
    file: BACKOFF,
    before: 'QUICK_PROBE_DELAY_MS * 2 ** doublings',
    after: 'QUICK_PROBE_DELAY_MS * 2 ** Math.min(doublings, 0)',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'probes slow down at once, although an export is waiting',
    file: BACKOFF,
    before: 'const QUICK_PROBES = 60;',
    after: 'const QUICK_PROBES = 6;',
    killedBy: BACKOFF_TESTS,
  },
  {
    name: 'the wall clock takes precedence over the monotonic clock',
    file: SEND_ORDER,
    before: 'if (monotonic !== undefined) return',
    after: 'if (monotonic !== undefined && entry.nextRetryAtMs > nowWallMs) return',
    killedBy: SEND_ORDER_TESTS,
  },
  {
    name: 'a successful health probe ends a block',
    file: `${DELIVER_POLICY}/destination-state.ts`,
    before:
      "if (seen === undefined || (current.state === 'blocked' && event.kind === 'probe')) return current;",
    after: 'if (seen === undefined) return current;',
    killedBy: [`${DELIVER_POLICY}/destination-state.test.ts`],
  },
  {
    name: 'small exports starve the backlog',
    file: SEND_ORDER,
    before: "return served === 'small' ?",
    after: "return served === 'bulk' ?",
    killedBy: SEND_ORDER_TESTS,
  },
  {
    name: 'an unknown connection counts as metered',
    file: BUDGET,
    before: 'facts.isMetered === true &&',
    after: 'facts.isMetered !== false &&',
    killedBy: BUDGET_TESTS,
  },
  {
    name: 'the monthly budget is never used up',
    file: BUDGET,
    before: 'facts.monthBytes >= budget.monthlyBytesMax',
    after: 'facts.monthBytes < 0',
    killedBy: BUDGET_TESTS,
  },
  {
    name: '"send now" does not override the data budget',
    file: BUDGET,
    before: 'if (facts.isSendNow) return undefined;',
    after: '',
    killedBy: BUDGET_TESTS,
  },
  {
    name: 'a receipt for another export counts',
    file: RECEIPT,
    before: 'if (receipt.export_id !== exportId)',
    after: "if (receipt.export_id === '')",
    killedBy: RECEIPT_TESTS,
  },
  {
    name: 'a receipt for another part counts',
    file: RECEIPT,
    before: 'receipt.part.index !== part.index ||',
    after: '',
    killedBy: RECEIPT_TESTS,
  },
  {
    name: 'a receipt for another number of parts counts',
    file: RECEIPT,
    before: ' || receipt.part.count !== part.count',
    after: '',
    killedBy: RECEIPT_TESTS,
  },
  {
    name: 'a receipt for another body counts',
    file: RECEIPT,
    before: 'return receipt.sha256 === expected.bodySha256 ?',
    after: "return receipt.sha256 !== '' ?",
    killedBy: RECEIPT_TESTS,
  },
  {
    name: "every part is sent under the first part's key",
    file: SEND,
    before: 'toIdempotencyKey(sent.exportId, sent.part.index)',
    after: 'toIdempotencyKey(sent.exportId, 1)',
    killedBy: SEND_TESTS,
  },
  {
    name: "a Retry-After date is measured by the boat's wrong clock",
    file: SEND,
    before: "parseHttpDate(headers.get('date') ?? '') ?? nowWallMs",
    after: 'nowWallMs',
    killedBy: SEND_TESTS,
  },
  {
    name: 'tier 1 exports on the schedule',
    file: LICENSE,
    before: 'tier < SCHEDULED_TIER_MIN)',
    after: 'tier < 1)',
    killedBy: LICENSE_TESTS,
  },
  {
    name: 'a copied card with an empty ID becomes a different boat',
    file: LICENSE,
    before: "const stated = file.kind === 'read' ?",
    after: "const stated = file.kind === 'read' && file.installationId !== '' ?",
    killedBy: LICENSE_TESTS,
  },
  {
    name: 'a slot is exported each time the timer fires',
    file: SCHEDULE,
    before: "if (facts.claimed.includes(slot)) return { slot, state: 'claimed' };",
    after: '',
    killedBy: SCHEDULE_TESTS,
  },
  {
    name: 'a boat whose clock is slow claims slots of past days',
    file: SCHEDULE,
    before: 'if (facts.clockSynchronized === false &&',
    after: 'if (facts.clockSynchronized === true &&',
    killedBy: SCHEDULE_TESTS,
  },
  {
    name: 'the reserve is the larger of its two limits',
    file: RETAIN,
    before: 'Math.min(RESERVE_MAX_BYTES,',
    after: 'Math.max(RESERVE_MAX_BYTES,',
    killedBy: RETAIN_TESTS,
  },
  {
    name: 'a time in the future counts as old',
    file: RETAIN,
    before: 'return nowMs - labelMs > keptMs;',
    after: 'return Math.abs(nowMs - labelMs) > keptMs;',
    killedBy: RETAIN_TESTS,
  },
  {
    name: 'every delivered file is removed for the reserve',
    file: RETAIN,
    before: 'if (freedBytes >= neededBytes) break;',
    after: '',
    killedBy: RETAIN_TESTS,
  },
  {
    name: 'any host name may reach the export manager',
    file: REQUEST_ORIGIN,
    before: 'if (!requestHosts.every((host) => hosts.has(hostName(host))))',
    after: 'if (requestHosts.length === 0)',
    killedBy: REQUEST_ORIGIN_TESTS,
  },
  {
    name: 'any page may post to the export manager',
    file: REQUEST_ORIGIN,
    before: 'if (OWN_HOSTS.some((own) => origin === `http://${own}:${port}`))',
    after: "if (origin.startsWith('http'))",
    killedBy: REQUEST_ORIGIN_TESTS,
  },
  {
    name: 'a record ID consists of the row ID alone',
    file: `${COLLECT}/record-ids.ts`,
    before: "const whole = timestamp === '' ? id : `${id}@${timestamp}`;",
    after: 'const whole = id;',
    killedBy: [`${COLLECT}/record-ids.test.ts`],
  },
  {
    name: 'identical rows without an ID count as one record',
    file: `${COLLECT}/record-ids.ts`,
    before: 'return duplicateNo === 0 ? name : `${name}#${duplicateNo}`;',
    after: 'return name;',
    killedBy: [`${COLLECT}/record-ids.test.ts`],
  },
  {
    name: 'a replaced log is read from the old cursor',
    file: `${COLLECT}/anchors.ts`,
    before: 'digestAt(position) === digest)',
    after: 'digestAt(position) !== undefined)',
    killedBy: [`${COLLECT}/anchors.test.ts`],
  },
  {
    name: 'time zone offsets have the wrong sign',
    file: `${COLLECT}/timestamps.ts`,
    before: "(offset.startsWith('-') ? -minutes : minutes)",
    after: "(offset.startsWith('-') ? minutes : -minutes)",
    killedBy: [`${COLLECT}/timestamps.test.ts`],
  },
  {
    name: 'milliseconds since 1970 are read as seconds',
    file: `${COLLECT}/timestamps.ts`,
    before: 'value >= EPOCH_MS_FROM ? value : value * 1000',
    after: 'value * 1000',
    killedBy: [`${COLLECT}/timestamps.test.ts`],
  },
  {
    name: 'a damaged old database hides the current one',
    file: `${COLLECT}/source-outcomes.ts`,
    before: "['ok', 'error', 'schema_unknown', 'empty', 'source_missing']",
    after: "['error', 'ok', 'schema_unknown', 'empty', 'source_missing']",
    killedBy: [`${COLLECT}/source-outcomes.test.ts`],
  },
  {
    name: 'rewinding a range moves the cursor forward',
    file: LEDGER,
    before: 'return from.position < now.position ? from : now;',
    after: 'return from.position < now.position ? now : from;',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a range from the start of a log is not rewound',
    file: LEDGER,
    before: 'if (now === undefined || from === undefined) return undefined;',
    after: 'if (now === undefined || from === undefined) return now;',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'parts grow past their size',
    file: 'packages/boat/src/spool/policy.ts',
    before: 'sizeBytes += length + 2;',
    after: 'sizeBytes += 2;',
    killedBy: SPOOL_TESTS,
  },
];
