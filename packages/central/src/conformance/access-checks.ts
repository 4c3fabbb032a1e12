import { CentralErrorSchema, HEALTH_PATH, HealthSchema } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { type Check, describe, expect, type Run } from './check.ts';
import { makeExport, sendExport } from './exports.ts';

const isError = Compile(CentralErrorSchema);
const isHealth = Compile(HealthSchema);

/** Number of concurrent requests in the check of R47. */
const AT_ONCE = 24;

const toStatusPath = (installationId: string): string =>
  `/api/v1/data/export/status?installation_id=${installationId}`;

/** An installation that the token does not belong to. */
function otherInstallation({ subject }: Run): string {
  return subject.installationId.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
}

/** Checks of authorization, refusals, health and operation. */
export const ACCESS_CHECKS: readonly Check[] = [
  {
    requirement: 'R7',
    title: 'a missing and an unknown token are refused with 401 INVALID_TOKEN',
    async run(run) {
      const one = makeExport(run);
      const answers = [
        await sendExport(run, one, { Authorization: undefined }),
        await sendExport(run, one, { Authorization: `Bearer ${run.subject.randomHex(32)}` }),
      ];
      for (const answer of answers)
        expect(answer.status === 401 && answer.json['error_code'] === 'INVALID_TOKEN', describe(answer));
      return answers.map(describe).join(' | ');
    },
  },
  {
    requirement: 'R9',
    title: 'a document of another installation is refused with 403 INSTALLATION_MISMATCH',
    async run(run) {
      const answer = await sendExport(
        run,
        makeExport(run, { more: { installation_id: otherInstallation(run) } }),
      );
      expect(
        answer.status === 403 && answer.json['error_code'] === 'INSTALLATION_MISMATCH',
        describe(answer),
      );
      return describe(answer);
    },
  },
  {
    requirement: 'R10',
    title: 'the installation ID is not accepted as a token for a query',
    async run(run) {
      const { installationId } = run.subject;
      const answer = await run.get(toStatusPath(installationId), {
        Authorization: `Bearer ${installationId}`,
      });
      expect(answer.status === 401, describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R38',
    title: 'refusals have the form that the protocol specifies, and INVALID_FORMAT names `required_version`',
    async run(run) {
      const answers = [
        await run.post(Buffer.from('{}'), {}),
        await run.get('/api/v1/data/no-such-route'),
        await sendExport(run, makeExport(run), { Authorization: 'Bearer none' }),
      ];
      for (const answer of answers) expect(isError.Check(answer.json), describe(answer));
      const [invalid] = answers;
      expect(invalid?.json['required_version'] === '1.0', `no required_version: ${invalid?.text ?? ''}`);
      return answers.map(({ json }) => String(json['error_code'])).join(', ');
    },
  },
  {
    requirement: 'R43',
    title: `each 429 and 503 among ${AT_ONCE} concurrent requests has Retry-After`,
    async run(run) {
      const path = toStatusPath(run.subject.installationId);
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => run.get(path)));
      const busy = answers.filter(({ status }) => status === 429 || status === 503);
      if (busy.length === 0) return { reason: 'no request was refused because of load' };
      for (const answer of busy) {
        const value = answer.headers.get('Retry-After');
        expect(value !== null, `no Retry-After: ${describe(answer)}`);
        expect(
          /^\d+$/.test(value ?? '') || !Number.isNaN(Date.parse(value ?? '')),
          `Retry-After: ${value ?? ''}`,
        );
      }
      return `${busy.length} refusals, Retry-After: ${busy[0]?.headers.get('Retry-After') ?? ''}`;
    },
  },
  {
    requirement: 'R47',
    title: `too many concurrent requests from one installation get 429 TOO_MANY_REQUESTS`,
    async run(run) {
      const path = toStatusPath(run.subject.installationId);
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => run.get(path)));
      const busy = answers.filter(({ status }) => status === 429);
      if (busy.length === 0) return { reason: `none of ${AT_ONCE} concurrent requests was refused` };
      const other = busy.find(({ json }) => json['error_code'] !== 'TOO_MANY_REQUESTS');
      expect(other === undefined, other === undefined ? '' : describe(other));
      return `${busy.length} of ${AT_ONCE} requests`;
    },
  },
  {
    requirement: 'R49',
    title: 'the health request is answered without a token, with the name of the service',
    async run(run) {
      const answer = await run.get(HEALTH_PATH, {});
      expect(answer.status === 200 && isHealth.Check(answer.json), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R51',
    title: "answers and refusals have the server's time in `Date`",
    async run(run) {
      for (const answer of [await run.get(HEALTH_PATH, {}), await run.get('/api/v1/data/no-such-route')]) {
        const date = answer.headers.get('Date');
        expect(
          date !== null && !Number.isNaN(Date.parse(date)),
          `Date: ${date ?? 'missing'} in ${describe(answer)}`,
        );
      }
      return 'Date is present';
    },
  },
  {
    requirement: 'R99',
    title: '`/api/v1/ready` answers 200 or 503 without a token',
    async run(run) {
      const answer = await run.get('/api/v1/ready', {});
      expect(answer.status === 200 || answer.status === 503, describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R100',
    title: 'answers carry the ID of the request, or a new one',
    async run(run) {
      const id = run.subject.randomHex(16);
      const given = (await run.get(HEALTH_PATH, { 'X-Request-Id': id })).headers.get('X-Request-Id');
      expect(given === id, `sent ${id}, answered ${given ?? 'nothing'}`);
      const own = (await run.get(HEALTH_PATH, { 'X-Request-Id': 'not "fit"' })).headers.get('X-Request-Id');
      expect(
        own !== null && /^[A-Za-z0-9_-]{8,64}$/.test(own),
        `instead of an unacceptable ID: ${own ?? 'nothing'}`,
      );
      return `${id}, and ${own ?? ''} instead of an unacceptable one`;
    },
  },
];
