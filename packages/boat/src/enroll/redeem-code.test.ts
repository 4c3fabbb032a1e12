import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isExportError } from '../platform/errors.ts';
import { redeemCode } from './redeem-code.ts';

const REQUEST = { code: '7KQ2M4XB9C', token_sha256: 'a'.repeat(64) };
const HOSTILE = `\u001b[2J\u009b31m\u202etext\n${'x'.repeat(10_000)}`;
const redeem = (response: Response) =>
  redeemCode(async () => response, 'http://central.example', REQUEST, new AbortController().signal);

/** Asserts that the message is one short line that cannot control a terminal. */
function assertPlain(text: string): void {
  assert.doesNotMatch(text, /[\p{Cc}\u202e]/u);
  assert.ok(text.length < 1_000, `${text.length} characters`);
}

describe('the answer to an enrolment code', () => {
  it('is shown and logged as short, plain text', async () => {
    const answer = {
      status: 'success',
      installation_id: '0123456789abcdef',
      token_id: HOSTILE,
      expires_at: HOSTILE,
    };
    const { token_id: tokenId, expires_at: expiresAt } = await redeem(Response.json(answer));
    for (const text of [tokenId, expiresAt ?? '']) {
      assert.match(text, /text x/);
      assertPlain(text);
    }
  });

  for (const status of [400, 409, 429, 503])
    it(`is a refusal with short, plain text: HTTP ${status}`, async () => {
      const refusal = {
        status: 'error',
        error_code: status === 409 ? 'INSTALLATION_MISMATCH' : '\u009bX',
        message: HOSTILE,
      };
      await assert.rejects(redeem(Response.json(refusal, { status })), (error) => {
        assert.ok(isExportError(error));
        assert.match(error.message, /text x/);
        assertPlain(error.message);
        return true;
      });
    });

  for (const [what, response] of [
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'http://evil.example/' } })],
    ['a page', () => new Response('<html>', { status: 200 })],
    ['a body above 64 KiB', () => Response.json({ status: 'success', padding: HOSTILE.repeat(10) })],
    [
      'a malformed installation ID',
      () => Response.json({ status: 'success', installation_id: '../x', token_id: 'a', expires_at: null }),
    ],
  ] as const)
    it(`leaves the code valid if the answer is ${what}`, async () => {
      await assert.rejects(redeem(response()), { code: 'CENTRAL_UNREACHABLE' });
    });
});
