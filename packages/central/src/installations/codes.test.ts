import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { CODE_ALPHABET, ENROL_PATH, parseEnrolmentCode, toSpokenCode } from '@d3kos/protocol';
import type { App } from '../http/app.ts';
import type { Connection } from '../platform/listen.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { listEvents } from './audit.ts';
import { loadBundleKeys } from './bundle-keys.ts';
import { invite, redeem } from './codes.ts';
import { enable, revoke } from './enroll.ts';
import { listTokens } from './tokens.ts';

const HOUR_MS = 3_600_000;
const KEY = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
/** Every test uses its own address, so that one test's refused codes do not count for another. */
let addresses = 0;
const ownAddress = (): Connection => ({ remoteAddress: `198.51.100.${(addresses += 1)}` });

/** Returns a boat that creates its own token. */
function createBoat() {
  const token = Buffer.from(systemRandomHex(32), 'hex').toString('base64url');
  return { id: systemRandomHex(8), token };
}
type Boat = ReturnType<typeof createBoat>;

function toRedeemRequest(boat: Boat, code: string, more: Readonly<Record<string, unknown>> = {}): Request {
  const token_sha256 = createHash('sha256').update(boat.token).digest('hex');
  return new Request(`http://central.test${ENROL_PATH}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code, token_sha256, ...more }),
  });
}

async function inviteBoat(store: Store, id: string, expiresHours = 48): Promise<string> {
  const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
  return (await invite(world, { installationId: id, expiresHours })).code;
}

async function statusOf(app: App, request: Request, connection: Connection): Promise<number> {
  return (await app.fetch(request, connection)).status;
}

/**
 * Returns a store on which a transaction commits only once `other` has ended or waits for one of the transaction's locks. `other`
 * begins after the last statement of the first transaction.
 */
function toOverlapping(store: Store, other: () => Promise<unknown>): Store {
  return {
    ...store,
    transaction: (work) =>
      store.transaction(async (tx) => {
        const result = await work(tx);
        let isEnded = false;
        void other().finally(() => (isEnded = true));
        for (let isWaiting = false; !isEnded && !isWaiting;)
          isWaiting = (await tx.query('select 1 from pg_locks where not granted')).length > 0;
        return result;
      }),
  };
}

describeOnPostgres('an enrolment code', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('enrols a boat with the token that it created, and delivers its bundle key', async () => {
    const { store } = open();
    const boat = createBoat();
    const app = startNode(store);
    const code = await inviteBoat(store, boat.id);
    assert.match(code, new RegExp(`^[${CODE_ALPHABET}]{10}$`));
    const typed = toSpokenCode(code).toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l');
    const answer = await app.fetch(toRedeemRequest(boat, typed, { bundle_key: KEY }), ownAddress());
    const enrolment = (await answer.json()) as Record<string, unknown>;
    const [token] = await listTokens(store, boat.id);
    assert.deepEqual(enrolment, {
      status: 'success',
      installation_id: boat.id,
      token_id: token?.token_id,
      expires_at: null,
    });
    await importDocument(app, boat, toDocument(boat));
    assert.equal((await loadBundleKeys(store, boat.id)).bundle_key, KEY);
    const events = (await listEvents(store, boat.id)).map(({ event }) => event);
    assert.deepEqual(events.sort(), ['bundle_key_kept', 'code_issued', 'code_redeemed']);
    const [row = {}] = await store.query('select * from enrolment_codes where installation_id = $1', [
      boat.id,
    ]);
    assert.ok(!JSON.stringify(row).includes(code) && !JSON.stringify(events).includes(code));
  });

  test('is redeemed by only one of many boats that send it to two nodes at the same time', async () => {
    const { store, secondStore } = open();
    const nodes = [startNode(store), startNode(secondStore)];
    for (let round = 0; round < 5; round += 1) {
      const boats = Array.from({ length: 6 }, createBoat);
      const id = systemRandomHex(8);
      const code = await inviteBoat(store, id);
      const statuses = await Promise.all(
        boats.map((boat, at) => statusOf(nodes[at % 2] as App, toRedeemRequest(boat, code), ownAddress())),
      );
      assert.deepEqual(statuses.sort(), [200, 403, 403, 403, 403, 403]);
      assert.equal((await listTokens(store, id)).length, 1);
    }
  });

  test('gives the same boat the same answer again if the first was lost, until its token is revoked', async () => {
    const { store, secondStore } = open();
    const boat = createBoat();
    const code = await inviteBoat(store, boat.id, 1);
    const nodes = [startNode(store), startNode(secondStore)];
    const answers = await Promise.all(
      [0, 1, 0, 1].map(async (at) =>
        (await (nodes[at] as App).fetch(toRedeemRequest(boat, code), ownAddress())).text(),
      ),
    );
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
    assert.equal((await listTokens(store, boat.id)).length, 1);
    const later = startNode(store, { wall: () => NOON_MS + 9 * HOUR_MS });
    assert.equal(await statusOf(later, toRedeemRequest(boat, code), ownAddress()), 200);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    assert.equal(await statusOf(later, toRedeemRequest(boat, code), ownAddress()), 403);
    assert.equal(
      await statusOf(later, toImportRequest(boat, toDocument(boat)), ownAddress()),
      401,
      'a repeated code does not restore a revoked token',
    );
  });

  test("becomes invalid when it expires or when the next code is issued, and is never redeemed with another boat's token", async () => {
    const { store } = open();
    const boat = createBoat();
    const app = startNode(store, { wall: () => NOON_MS + HOUR_MS });
    const expired = await inviteBoat(store, boat.id, 1);
    assert.equal(await statusOf(app, toRedeemRequest(boat, expired), ownAddress()), 403);
    const replaced = await inviteBoat(store, boat.id);
    const newest = await inviteBoat(store, boat.id);
    assert.equal(await statusOf(app, toRedeemRequest(boat, replaced), ownAddress()), 403);
    assert.equal(await statusOf(app, toRedeemRequest(boat, newest), ownAddress()), 200);
    const otherCode = await inviteBoat(store, systemRandomHex(8));
    assert.equal(await statusOf(app, toRedeemRequest(boat, otherCode), ownAddress()), 403);
  });

  test('stays usable after a boat with another installation ID, or a disabled boat, has sent it', async () => {
    const { store } = open();
    const [boat, other] = [createBoat(), createBoat()];
    const app = startNode(store);
    const code = await inviteBoat(store, boat.id);
    const wrong = await app.fetch(toRedeemRequest(other, code, { installation_id: other.id }), ownAddress());
    assert.equal(wrong.status, 403);
    const refusal = (await wrong.json()) as { error_code: string; message: string };
    assert.equal(refusal.error_code, 'INSTALLATION_MISMATCH');
    assert.ok(refusal.message.includes(boat.id));
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'installation');
    await expectRefusal(app, toRedeemRequest(boat, code), 403, 'INSTALLATION_DISABLED');
    await enable({ store, wallMs: NOON_MS }, boat.id);
    // A boat whose card was replaced sends no ID, and receives the code's ID.
    const restored = await app.fetch(toRedeemRequest(other, code), ownAddress());
    assert.equal(((await restored.json()) as { installation_id: string }).installation_id, boat.id);
  });

  test('is revoked together with the tokens, and a code issued afterwards works', async () => {
    const { store } = open();
    const boat = createBoat();
    const app = startNode(store);
    const code = await inviteBoat(store, boat.id);
    const revoked = await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    assert.deepEqual([revoked.tokens_revoked, revoked.codes_revoked], [0, 1]);
    await expectRefusal(app, toRedeemRequest(boat, code), 403, 'INVALID_CODE');
    assert.deepEqual(await listTokens(store, boat.id), []);
    const next = await inviteBoat(store, boat.id);
    assert.equal(await statusOf(app, toRedeemRequest(boat, next), ownAddress()), 200);
    await importDocument(app, boat, toDocument(boat));
  });

  test('leaves no valid token if it is redeemed while the tokens are revoked, whichever begins first', async () => {
    const { store, secondStore } = open();
    // PGlite has one connection, so its transactions never overlap.
    if (store === secondStore) return;
    for (const first of ['redemption', 'revocation']) {
      const id = systemRandomHex(8);
      const code = await inviteBoat(store, id);
      const request = { code, token_sha256: systemRandomHex(32) };
      const redeemOn = (on: Store) => redeem(on, { code, request, address: '198.51.100.1' }, NOON_MS);
      const revokeOn = (on: Store) => revoke({ store: on, wallMs: NOON_MS }, id, 'tokens');
      const [begin, overlap] = first === 'redemption' ? [redeemOn, revokeOn] : [revokeOn, redeemOn];
      let second: Promise<unknown> = Promise.resolve();
      await begin(toOverlapping(store, () => (second = overlap(secondStore))));
      await second;
      const tokens = await listTokens(store, id);
      assert.equal(tokens.length, first === 'redemption' ? 1 : 0);
      assert.ok(
        tokens.every(({ revoked_at }) => revoked_at !== null),
        first,
      );
    }
  });

  test('cannot be guessed from one address, while a boat at another address can redeem its own', async () => {
    const { store } = open();
    // The clock does not advance, so that no refused code expires during the test.
    const app = startNode(store, { monotonic: () => 0 });
    const boat = createBoat();
    const code = await inviteBoat(store, boat.id);
    const attacker = ownAddress();
    const statuses: number[] = [];
    for (let guess = 0; guess < 30; guess += 1)
      statuses.push(
        await statusOf(app, toRedeemRequest(boat, `${String(guess).padStart(10, '0')}`), attacker),
      );
    assert.deepEqual([...new Set(statuses)], [403, 429]);
    assert.equal(statuses.indexOf(429), 20);
    assert.equal(
      await statusOf(app, toRedeemRequest(boat, code), attacker),
      429,
      'even with the correct code',
    );
    assert.equal(await statusOf(app, toRedeemRequest(boat, code), ownAddress()), 200);
    for (const text of ['', 'OOOOOOOOO', 'UUUUUUUUUU', '0123456789A', '０１２３４５６７８９'])
      assert.equal(parseEnrolmentCode(text), undefined, text);
  });
});
