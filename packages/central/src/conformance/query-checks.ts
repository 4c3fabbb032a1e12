import { HeldPartsSchema } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { type Answer, type Check, describe, expect, type Run } from './check.ts';
import { makeExport, sendExport, toLog, toSettings } from './exports.ts';

const isHeldParts = Compile(HeldPartsSchema);

const toStatusPath = (installationId: string): string =>
  `/api/v1/data/export/status?installation_id=${installationId}`;
const toConfigurationPath = (installationId: string): string =>
  `/api/v1/installations/${installationId}/configuration`;

function otherInstallation({ subject }: Run): string {
  return subject.installationId.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
}

function listOf(answer: Answer, member: string): readonly unknown[] {
  const list = answer.json[member];
  return Array.isArray(list) ? list : [];
}

/** Sends exports before and after a sequence that it leaves out. Returns the three exports, and the answer to the last one. */
async function leaveOut(run: Run) {
  const before = makeExport(run);
  await sendExport(run, before);
  const missing = run.nextSequence();
  const after = makeExport(run);
  return { before: before.sequence, missing, after: after.sequence, answer: await sendExport(run, after) };
}

/** Checks of held parts, sequences, status and configuration, and of diverged ledgers. */
export const QUERY_CHECKS: readonly Check[] = [
  {
    requirement: 'R32',
    title: 'an export that arrives late does not replace a newer version of a record',
    async run(run) {
      const [early, late] = [run.nextSequence(), run.nextSequence()];
      const mark = run.subject.randomHex(8);
      await sendExport(run, makeExport(run, { sequence: late, data: toSettings({ mark, version: 'new' }) }));
      await sendExport(run, makeExport(run, { sequence: early, data: toSettings({ mark, version: 'old' }) }));
      const held = await run.get(toConfigurationPath(run.subject.installationId));
      expect(held.text.includes(mark) && held.text.includes('"version":"new"'), describe(held));
      return 'the newer settings are held';
    },
  },
  {
    requirement: 'R52',
    title: 'the held parts of an export are listed in order, above `after`, with `next`',
    async run(run) {
      const sequence = run.nextSequence();
      const parts = [1, 2, 3].map((index) =>
        makeExport(run, {
          sequence,
          part: { index, count: 3 },
          data: toLog([{ record_id: `${run.ledgerId}-${sequence}-${index}`, content: 'part' }]),
        }),
      );
      for (const part of [parts[2], parts[0]]) if (part !== undefined) await sendExport(run, part);
      const exportId = parts[0]?.exportId ?? '';
      const all = await run.get(`/api/v1/data/import/${exportId}`);
      expect(all.status === 200 && isHeldParts.Check(all.json), describe(all));
      const indexes = (answer: Answer) => /"index":\d+/g[Symbol.match](answer.text)?.join(' ') ?? 'none';
      expect(indexes(all) === '"index":1 "index":3', `parts: ${indexes(all)}`);
      const above = await run.get(`/api/v1/data/import/${exportId}?after=1`);
      expect(indexes(above) === '"index":3', `parts above 1: ${indexes(above)}`);
      return indexes(all);
    },
  },
  {
    requirement: 'R53',
    title: 'an export that is not held has an empty list',
    async run(run) {
      const answer = await run.get(`/api/v1/data/import/never_${run.ledgerId}`);
      expect(answer.status === 200 && listOf(answer, 'parts').length === 0, describe(answer));
      expect(Array.isArray(answer.json['parts']), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R60',
    title: 'the status lists a sequence that was left out, and none that is held',
    async run(run) {
      const { before, missing, after } = await leaveOut(run);
      const status = await run.get(toStatusPath(run.subject.installationId));
      const named = listOf(status, 'missing_sequences');
      expect(named.includes(missing), `${missing} is missing, but the answer lists: ${named.join(' ')}`);
      expect(
        !named.includes(before) && !named.includes(after),
        `${before} and ${after} are held, but the answer lists: ${named.join(' ')}`,
      );
      return `missing: ${named.join(' ')}`;
    },
  },
  {
    requirement: 'R61',
    title: 'the status has the values that central knows, and null for those that only the boat knows',
    async run(run) {
      const { status, json, text } = await run.get(toStatusPath(run.subject.installationId));
      expect(status === 200 && typeof json['records_synced'] === 'number', text.slice(0, 200));
      for (const member of ['pending_records', 'next_scheduled_export'])
        expect(json[member] === null, `${member}: ${JSON.stringify(json[member])}`);
      return `records_synced ${String(json['records_synced'])}`;
    },
  },
  {
    requirement: 'R62',
    title: 'the configuration has the newest settings',
    async run(run) {
      const mark = run.subject.randomHex(8);
      await sendExport(run, makeExport(run, { data: toSettings({ mark }) }));
      const answer = await run.get(toConfigurationPath(run.subject.installationId));
      expect(answer.status === 200 && answer.text.includes(mark), describe(answer));
      return 'the settings just sent';
    },
  },
  {
    requirement: 'R63',
    title: 'status and configuration of another installation are refused',
    async run(run) {
      const other = otherInstallation(run);
      const answers = [await run.get(toStatusPath(other)), await run.get(toConfigurationPath(other))];
      for (const answer of answers) expect(answer.status === 403, describe(answer));
      return answers.map(describe).join(' | ');
    },
  },
  {
    requirement: 'R73',
    title: 'another export under a sequence of the same ledger is refused with 409 LEDGER_DIVERGED',
    async run(run) {
      const { sequence } = makeExport(run);
      await sendExport(run, makeExport(run, { sequence }));
      const copy = makeExport(run, { sequence, exportId: `copied_${run.ledgerId}_${sequence}` });
      const answer = await sendExport(run, copy);
      expect(answer.status === 409 && answer.json['error_code'] === 'LEDGER_DIVERGED', describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R103',
    title:
      'an export whose open_exports assigns the sequence of a held export to another one is refused with 409 LEDGER_DIVERGED',
    async run(run) {
      const { sequence } = makeExport(run);
      await sendExport(run, makeExport(run, { sequence }));
      const open = { sequence, export_id: `copied_${run.ledgerId}_${sequence}` };
      const answer = await sendExport(run, makeExport(run, { more: { open_exports: [open] } }));
      expect(answer.status === 409 && answer.json['error_code'] === 'LEDGER_DIVERGED', describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R105',
    title: 'an export of a ledger that a document named in former_ledger_ids does not replace newer settings',
    async run(run) {
      const former = run.subject.randomHex(8);
      const mark = run.subject.randomHex(8);
      const toFacts = (version: string) => ({ data: toSettings({ mark, version }) });
      const named = makeExport(run, { ...toFacts('new'), more: { former_ledger_ids: [former] } });
      const old = { ...toFacts('old'), exportId: `former_${former}`, more: { ledger_id: former } };
      for (const sent of [named, makeExport(run, old)]) {
        const answer = await sendExport(run, sent);
        expect(answer.status === 200, describe(answer));
      }
      const held = await run.get(toConfigurationPath(run.subject.installationId));
      expect(held.text.includes(mark) && held.text.includes('"version":"new"'), describe(held));
      return 'the newer settings are held';
    },
  },
  {
    requirement: 'R87',
    title: 'the answer to an export lists a lower sequence that was left out',
    async run(run) {
      const { missing, after, answer } = await leaveOut(run);
      const named = listOf(answer, 'missing_sequences');
      expect(
        answer.status === 200 && named.includes(missing),
        `${missing} is missing, but the answer lists: ${named.join(' ')}`,
      );
      expect(
        named.every((sequence) => typeof sequence === 'number' && sequence < after),
        named.join(' '),
      );
      return `missing: ${named.join(' ')}`;
    },
  },
  {
    requirement: 'R112',
    title: 'a sequence that was withdrawn and then reinstated is named as missing again',
    async run(run) {
      const sequence = run.nextSequence();
      const listIn = async (more: Readonly<Record<string, readonly number[]>>) =>
        listOf(await sendExport(run, makeExport(run, { more })), 'missing_sequences');
      const withdrawn = await listIn({ withdrawn_sequences: [sequence] });
      expect(!withdrawn.includes(sequence), `${sequence} is withdrawn, named: ${withdrawn.join(' ')}`);
      const reinstated = await listIn({ reinstated_sequences: [sequence] });
      expect(reinstated.includes(sequence), `${sequence} is missing, named: ${reinstated.join(' ')}`);
      return `missing: ${reinstated.join(' ')}`;
    },
  },
];
