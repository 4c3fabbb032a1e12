import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import type { App } from '../http/app.ts';
import { listEvents } from '../installations/audit.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemMonotonic, systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  importDocument,
  NOON_MS,
  QUICK_PASSWORDS,
  startNode,
  toDocument,
} from '../testing/central-under-test.ts';
import { addOperator, ORIGIN, PASSWORD, toPageHeaders } from '../testing/operator-under-test.ts';
import { addAccount, changePassword, changeRole, removeAccount } from './accounts.ts';
import { createPasswordHasher } from './passwords.ts';
import { ACCOUNT_LIMIT, ADDRESS_LIMIT, SESSION_IDLE_MAX_MS, SESSION_MAX_MS } from './policy.ts';

/** A name and an address that no other test uses. */
let used = 0;
const ownName = () => `operator${(used += 1)}`;
const ownAddress = () => ({ remoteAddress: `203.0.113.${(used += 1)}` });

interface Login {
  readonly name: string;
  readonly password?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
}

function toLogin({ name, password = PASSWORD, headers = {}, url = ORIGIN }: Login): Request {
  return new Request(`${url.replace('https:', 'http:')}/api/v1/session`, {
    method: 'POST',
    headers: { ...toPageHeaders(), ...headers },
    body: JSON.stringify({ name, password }),
  });
}

/** Logs in and returns the complete Set-Cookie header and the session ID. */
async function logIn(app: App, login: Login) {
  const response = await app.fetch(toLogin(login), ownAddress());
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const cookie = response.headers.get('Set-Cookie') ?? '';
  return { cookie, id: /session=([^;]+)/.exec(cookie)?.[1] ?? '' };
}

async function statusOf(
  app: App,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<number> {
  const body = method === 'POST' && !path.endsWith('/end') ? { body: '{}' } : {};
  const request = new Request(`http://central.test${path}`, { method, headers: { ...headers }, ...body });
  return (await app.fetch(request, ownAddress())).status;
}

const cookieOf = (id: string) => ({ Cookie: `__Host-d3kos_session=${id}` });

async function addAdmin(store: Store): Promise<string> {
  const name = ownName();
  await addOperator(store, name, 'admin');
  return name;
}

describeOnPostgres('a login', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('begins a session with a new ID, ends the previous session, and stores neither the ID nor the password', async () => {
    const { store } = open();
    const name = await addAdmin(store);
    const app = startNode(store);
    // Session fixation: an ID that the browser already had never becomes the ID of the new session.
    const planted = 'A'.repeat(43);
    const first = await logIn(app, { name, headers: cookieOf(planted) });
    assert.match(first.cookie, /^__Host-d3kos_session=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(planted)), 401);
    const second = await logIn(app, { name, headers: cookieOf(first.id) });
    assert.equal(new Set([planted, first.id, second.id]).size, 3);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(first.id)), 401);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(second.id)), 200);
    const rows = await store.query(
      'select (select json_agg(o) from operators o)::text || (select json_agg(s) from operator_sessions s)::text || (select json_agg(e) from audit_events e)::text as text',
    );
    const text = String(rows[0]?.['text']);
    assert.ok(text.includes(name) && !text.includes(PASSWORD) && !text.includes(second.id));
    const events = (await listEvents(store, undefined)).filter(({ subject }) => subject === name);
    assert.ok(events.some(({ event }) => event === 'logged_in'));
    assert.equal(await statusOf(app, '/api/v1/session/end', toPageHeaders(second.id), 'POST'), 200);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(second.id)), 401);
  });

  test('ends when it is idle, after a working day, and when the account is removed or its password or role changes', async () => {
    const { store } = open();
    const name = await addAdmin(store);
    let nowMs = NOON_MS;
    const app = startNode(store, { wall: () => nowMs });
    const idle = await logIn(app, { name });
    nowMs += SESSION_IDLE_MAX_MS - 1;
    assert.equal(await statusOf(app, '/api/v1/accounts', cookieOf(idle.id)), 200);
    nowMs += SESSION_IDLE_MAX_MS;
    assert.equal(await statusOf(app, '/api/v1/accounts', cookieOf(idle.id)), 401);
    const busy = await logIn(app, { name });
    const endsMs = nowMs + SESSION_MAX_MS;
    for (; nowMs < endsMs; nowMs += SESSION_IDLE_MAX_MS / 2)
      assert.equal(await statusOf(app, '/api/v1/accounts', cookieOf(busy.id)), 200);
    assert.equal(await statusOf(app, '/api/v1/accounts', cookieOf(busy.id)), 401);
    const world = { store, wallMs: nowMs, passwords: QUICK_PASSWORDS, actor: 'test' };
    const demoted = await logIn(app, { name });
    await changeRole(world, name, 'viewer');
    assert.equal(await statusOf(app, '/api/v1/accounts', cookieOf(demoted.id)), 403);
    await changePassword(world, name, PASSWORD);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(demoted.id)), 401);
    const removed = await logIn(app, { name });
    await removeAccount(world, name);
    assert.equal(await statusOf(app, '/api/v1/session', cookieOf(removed.id)), 401);
  });

  test("and every change are accepted only from central's own page, over HTTPS or on the same machine", async () => {
    const { store } = open();
    const name = await addAdmin(store);
    const app = startNode(store);
    const refused = [
      { headers: { Origin: 'https://evil.test' } },
      { headers: { Origin: 'null' } },
      { headers: { Origin: 'https://central.test.evil.test' } },
      { headers: { 'X-Requested-With': '' } },
      { headers: { 'Sec-Fetch-Site': 'same-site' } },
      // A password over plain HTTP between two machines could be read.
      { headers: { Origin: 'http://central.test' } },
      { headers: { Origin: 'http://192.0.2.7:8095' }, url: 'http://192.0.2.7:8095' },
    ];
    for (const change of refused)
      assert.equal((await app.fetch(toLogin({ name, ...change }), ownAddress())).status, 403);
    const { id } = await logIn(app, { name });
    const page = toPageHeaders(id);
    const change = '/api/v1/installations/0123456789abcdef/invitations';
    for (const { headers } of refused)
      assert.equal(
        await statusOf(app, change, { ...page, ...headers }, 'POST'),
        403,
        JSON.stringify(headers),
      );
    const { Origin: _, ...withoutOrigin } = page;
    assert.equal(await statusOf(app, change, withoutOrigin, 'POST'), 403);
    // A form on another site can send neither this content type nor this header.
    const form = { Cookie: page['Cookie'] ?? '', Origin: ORIGIN, 'Content-Type': 'text/plain' };
    assert.equal(await statusOf(app, change, form, 'POST'), 403);
    assert.equal(await statusOf(app, change, page, 'POST'), 200);
    const preflight = new Request(`http://central.test${change}`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.test', 'Access-Control-Request-Method': 'POST' },
    });
    const answer = await app.fetch(preflight);
    assert.ok(answer.status >= 400 && answer.headers.get('Access-Control-Allow-Origin') === null);
    // A browser that has an HTTP Basic password also sends it with requests from other sites, so Basic is not accepted.
    const basic = { Authorization: `Basic ${btoa('any:operator-token-of-the-tests')}` };
    assert.equal(await statusOf(app, change, { ...basic, 'Content-Type': 'application/json' }, 'POST'), 401);
  });

  test('is not affected by cookies that another host of the domain or another port has set', async () => {
    const { store } = open();
    const [own, attacker] = [await addAdmin(store), await addAdmin(store)];
    const app = startNode(store);
    const victim = await logIn(app, { name: own });
    const planted = await logIn(app, { name: attacker });
    const nameOf = async (url: string, cookie: string) => {
      const response = await app.fetch(
        new Request(`${url}/api/v1/session`, { headers: { Cookie: cookie } }),
        ownAddress(),
      );
      return response.status === 200 ? ((await response.json()) as { name: string }).name : response.status;
    };
    const remote = 'http://central.test';
    // Another host can set only the name without the prefix, and central ignores that name here.
    assert.equal(await nameOf(remote, `d3kos_session=${planted.id}`), 401);
    assert.equal(await nameOf(remote, `d3kos_session=${planted.id}; __Host-d3kos_session=${victim.id}`), own);
    assert.equal(
      await nameOf(remote, `__Host-d3kos_session=${planted.id}; __Host-d3kos_session=${victim.id}`),
      401,
    );
    const local = 'http://127.0.0.1:8095';
    const login = { name: own, headers: { Origin: local }, url: local };
    const here = await logIn(app, login);
    assert.match(here.cookie, /^d3kos_session=.*; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(await nameOf(local, `d3kos_session=${here.id}`), own);
    assert.equal(await nameOf(local, `d3kos_session=${planted.id}; d3kos_session=${here.id}`), 401);
    for (const odd of ['', 'x', `${victim.id}x`, '%00', '\u00e9'])
      assert.equal(await nameOf(remote, `__Host-d3kos_session=${odd}`), 401, odd);
  });
});

describeOnPostgres('guessing passwords', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('is limited per address across all nodes and per account across all addresses', async () => {
    const { store, secondStore } = open();
    const nodes = [startNode(store), startNode(secondStore)];
    const name = await addAdmin(store);
    const address = ownAddress();
    const guess = (at: number, from: { remoteAddress: string }) =>
      (nodes[at % 2] as App)
        .fetch(toLogin({ name, password: `guess number ${at}` }), from)
        .then(({ status }) => status);
    const fromOne = await Promise.all(Array.from({ length: 16 }, (_, at) => guess(at, address)));
    assert.equal(fromOne.filter((status) => status === 401).length, ADDRESS_LIMIT.burst);
    assert.equal(fromOne.filter((status) => status === 429).length, 16 - ADDRESS_LIMIT.burst);
    const fromMany = await Promise.all(
      Array.from({ length: 40 }, (_, at) => guess(at, { remoteAddress: `192.0.2.${at}` })),
    );
    const counted = fromOne.concat(fromMany).filter((status) => status === 401).length;
    assert.ok(counted <= ACCOUNT_LIMIT.burst, String(counted));
    // Even the correct password is refused until the failures have expired. Boats and other accounts are not affected.
    const [late, other] = [startNode(store, { wall: () => NOON_MS + 3_600_000 }), await addAdmin(store)];
    assert.equal((await (nodes[0] as App).fetch(toLogin({ name }), ownAddress())).status, 429);
    assert.equal((await late.fetch(toLogin({ name }), ownAddress())).status, 200);
    assert.equal((await (nodes[0] as App).fetch(toLogin({ name: other }), ownAddress())).status, 200);
    const boat = await enrollBoat(store);
    await importDocument(nodes[0] as App, boat, toDocument(boat));
    const events = await listEvents(store, undefined);
    assert.ok(events.some(({ event, subject }) => event === 'login_refused' && subject === name));
    assert.ok(events.some(({ event }) => event === 'login_limited'));
    assert.ok(!JSON.stringify(events).includes('guess number'));
  });

  test('does not reveal whether an account exists, and does not store a name that could be a password', async () => {
    const { store } = open();
    const checks: (string | undefined)[] = [];
    const passwords = {
      hash: QUICK_PASSWORDS.hash,
      check: (password: string, stored: string | undefined) => {
        checks.push(stored === undefined ? 'unknown' : 'known');
        return QUICK_PASSWORDS.check(password, stored);
      },
    };
    const app = startNode(store, { passwords });
    const name = await addAdmin(store);
    const texts: string[] = [];
    for (const tried of [
      name,
      'nobody-knows',
      'My Secret Phrase',
      "x'; drop table operators; --",
      '\ud83d\ude00',
    ])
      texts.push(await (await app.fetch(toLogin({ name: tried, password: 'wrong' }), ownAddress())).text());
    assert.equal(new Set(texts).size, 1, texts.join('\n'));
    // An unknown name causes the same amount of hashing work.
    assert.deepEqual(checks, ['known', 'unknown', 'unknown', 'unknown', 'unknown']);
    const [row] = await store.query(
      'select (select json_agg(f) from login_failures f)::text || (select json_agg(e) from audit_events e)::text as text',
    );
    assert.ok(!String(row?.['text']).includes('Secret Phrase'));
  });
});

describeOnPostgres('a password', (open) => {
  test('is hashed by scrypt with a salt, and a check reads the parameters from the hash', async () => {
    const hasher = createPasswordHasher(systemRandomHex);
    const [one, two] = [await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)];
    assert.match(one, /^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(one, two);
    assert.equal(await hasher.check(PASSWORD, one), 'right');
    assert.equal(await hasher.check(`${PASSWORD} `, one), 'wrong');
    // An accented letter may have one or two code points, depending on the keyboard.
    const accented = await hasher.hash('caf\u00e9 am hafen von kingston');
    assert.equal(await hasher.check('cafe\u0301 am hafen von kingston', accented), 'right');
    // A hash with outdated parameters, and damaged hashes.
    const older = '$scrypt$ln=1,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43);
    assert.equal(await hasher.check(PASSWORD, older), 'wrong');
    for (const damaged of ['', 'x', one.slice(1), one.replace('ln=15', 'ln=99'), one.replace('r=8', 'r=0')])
      assert.equal(await hasher.check(PASSWORD, damaged), 'wrong', damaged);
  });

  test('is refused if it is short, repetitive or contains the account name', async () => {
    const { store } = open();
    await migrate(store, NOON_MS);
    const world = { store, wallMs: NOON_MS, passwords: QUICK_PASSWORDS };
    for (const password of ['short', 'aaaaaaaaaaaaaaaa', 'i am anna and proud', 'x'.repeat(129)])
      await assert.rejects(addAccount(world, { name: 'anna', role: 'viewer', password }), { code: 'USAGE' });
    for (const name of ['A', 'Anna', 'operator token', '-x', 'x'.repeat(41)])
      await assert.rejects(addAccount(world, { name, role: 'viewer', password: PASSWORD }), {
        code: 'USAGE',
      });
    await addAccount(world, { name: 'anna', role: 'viewer', password: PASSWORD });
    await assert.rejects(addAccount(world, { name: 'anna', role: 'admin', password: PASSWORD }), {
      code: 'ACCOUNT_EXISTS',
    });
  });

  test('is checked at a limited rate per node, so that a flood leaves CPU time for the boats', async () => {
    const { store } = open();
    await migrate(store, NOON_MS);
    let nowMs = 0;
    const real = createPasswordHasher(systemRandomHex, () => nowMs);
    let hashed = 0;
    const passwords = {
      hash: real.hash,
      check: async (password: string, stored: string | undefined) => {
        // The cheap hash has the same limits; only its cost differs.
        const verdict = await real.check(
          password,
          stored ?? '$scrypt$ln=1,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
        );
        if (verdict !== 'busy') hashed += 1;
        return verdict;
      },
    };
    const app = startNode(store, { passwords });
    const boat = await enrollBoat(store);
    const flood = Array.from({ length: 200 }, (_, at) =>
      app.fetch(toLogin({ name: `flood${at}` }), { remoteAddress: `198.18.${at}.1` }),
    );
    const beganMs = systemMonotonic();
    await importDocument(app, boat, toDocument(boat));
    assert.ok(systemMonotonic() - beganMs < 30_000);
    const statuses = new Set((await Promise.all(flood)).map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [401, 429]);
    assert.ok(hashed <= 20, String(hashed));
    nowMs += 1_000;
    const name = await addAdmin(store);
    assert.notEqual((await app.fetch(toLogin({ name }), ownAddress())).status, 429);
  });
});
