// A server booted with systemd, on which apt installs d3kos-central from a signed repository. The steps are: refusal of changed
// files and of other keys, the first steps of the guide, a boat that delivers, upgrade, backup and restore, downgrade, removal
// and purge.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { writeAptRepository } from '../scripts/package/apt-repository.ts';
import { type FleetBoat, startFleetBoat } from './support/booted-fleet-boat.ts';
import { INSTALLATION } from './support/boat-in-process.ts';
import { BOAT_ADDRESS, createMachine, type Machine, NETWORK_PROFILE } from './support/booted-machine.ts';
import { buildPackages, copyWithVersion, findPackage } from './support/booted-packages.ts';
import { makeKey, REPOSITORY_URL, serveFolder } from './support/booted-repository.ts';
import { buildRoot, findBootObstacle, runHost } from './support/booted-root.ts';
import { makeCertificate } from './support/booted-shore.ts';
import { createSteps } from './support/booted-steps.ts';
import { until } from './support/until.ts';

const obstacle = findBootObstacle('gpg', 'apt-ftparchive', 'curl');
const SERVICE = 'd3kos-central.service';
const folder = mkdtempSync(join(tmpdir(), 'd3kos-booted-test-'));
const packages = join(folder, 'packages');
const repository = join(folder, 'apt');
const KEY = 'release@d3kos.example';
const OTHER_KEY = 'other@d3kos.example';
const OLD = '0.1.0';
const NEW = '0.1.1';
let machine: Machine;
let fleetBoat: FleetBoat;
/** The later version, which is initially not in the repository. */
let newer: string;

const step = createSteps(
  obstacle,
  async () =>
    (
      await machine.run(
        `journalctl --no-pager -n 60 -u ${SERVICE}; systemctl --failed; apt policy d3kos-central`,
      )
    ).output,
);

before(async () => {
  if (obstacle !== undefined) return;
  const lower = await buildRoot();
  process.env['GNUPGHOME'] = join(folder, 'gnupg');
  for (const key of [KEY, OTHER_KEY]) await makeKey(process.env['GNUPGHOME'], key);
  await buildPackages(packages, '--repo', repository, '--key', KEY);
  newer = await copyWithVersion(findPackage(packages, 'd3kos-central'), NEW, folder);
  machine = await createMachine(lower);
  const connections = join(machine.root, 'etc', 'NetworkManager', 'system-connections');
  writeFileSync(join(connections, 'boat.nmconnection'), NETWORK_PROFILE, { mode: 0o600 });
  // Debian's mirror cannot be reached.
  rmSync(join(machine.root, 'etc', 'apt', 'sources.list.d'), { recursive: true });
  mkdirSync(join(machine.root, 'etc', 'apt', 'sources.list.d'));
  await serveFolder(machine, repository);
  await machine.boot();
});

after(async () => {
  // `before` may have failed.
  if (obstacle === undefined) {
    await (machine as Machine | undefined)?.remove();
    await runHost('gpgconf', '--kill', 'all');
  }
  rmSync(folder, { recursive: true, force: true });
});

const update = (): ReturnType<Machine['run']> => machine.run('apt-get update --error-on=any');
const installed = (): Promise<string> => machine.ok("dpkg-query -f '${Version}' -W d3kos-central");
const upgrade = (): ReturnType<Machine['run']> =>
  machine.run('apt-get install -y --only-upgrade d3kos-central');
const untilReady = (): Promise<void> =>
  until(
    'central is ready',
    async () => (await machine.run('curl -sf http://127.0.0.1:8095/api/v1/ready')).code === 0,
  );
const central = async (args: string): Promise<Record<string, unknown>> =>
  // Every command prints one JSON object with --json.
  JSON.parse(await machine.ok(`sudo -u d3kos-central d3kos-central ${args} --json`)) as Record<
    string,
    unknown
  >;
/** Returns the number of records that central holds for the boat, excluding telemetry, because each export has a new sample. */
const records = async (): Promise<number> => {
  const { categories } = (await central(`show ${INSTALLATION}`)) as {
    readonly categories: readonly { readonly category: string; readonly records: number }[];
  };
  return categories.reduce(
    (sum, { category, records: count }) => (category === 'telemetry' ? sum : sum + count),
    0,
  );
};
const telemetry = async (): Promise<number> => {
  const { categories } = (await central(`show ${INSTALLATION}`)) as {
    readonly categories: readonly { readonly category: string; readonly records: number }[];
  };
  return categories.find(({ category }) => category === 'telemetry')?.records ?? 0;
};
/** Creates an export on the boat, and waits until central has confirmed it. */
async function deliver(): Promise<void> {
  await fleetBoat.boat('generate');
  await until('the boat has delivered', async () => (await fleetBoat.countWaiting()) === 0);
}

step('apt installs the package from the signed repository, and central is ready', async () => {
  await machine.ok(`curl -fso /etc/apt/keyrings/d3kos-export.asc ${REPOSITORY_URL}/d3kos-export.asc
    echo 'deb [signed-by=/etc/apt/keyrings/d3kos-export.asc] ${REPOSITORY_URL} stable main' > /etc/apt/sources.list.d/d3kos-export.list`);
  assert.equal((await update()).code, 0);
  await machine.ok('apt-get install -y d3kos-central');
  assert.equal(await installed(), OLD);
  await untilReady();
  assert.equal(await machine.ok(`systemctl is-active ${SERVICE}`), 'active');
  assert.equal(await machine.ok(`systemctl is-enabled ${SERVICE}`), 'enabled');
  assert.equal(
    await machine.ok(
      "stat -c '%U:%G %a' /etc/default/d3kos-central /var/lib/d3kos-central /var/lib/d3kos-central/data",
    ),
    'root:d3kos-central 640\nd3kos-central:d3kos-central 700\nd3kos-central:d3kos-central 700',
  );
  assert.equal(await machine.ok('systemctl --failed --no-legend'), '');
});

step('apt refuses a changed package, a changed index, and an index signed with another key', async () => {
  const intact = join(folder, 'intact');
  const pool = join(repository, 'pool', 'main');
  const publish = (key: string): void => writeAptRepository(repository, [newer], key);
  const damage = (path: string, change: (bytes: Buffer) => Buffer): void =>
    writeFileSync(path, change(readFileSync(path)));
  cpSync(repository, intact, { recursive: true });
  const restore = (): void => {
    rmSync(repository, { recursive: true });
    cpSync(intact, repository, { recursive: true });
  };

  publish(KEY);
  damage(join(pool, newer.slice(newer.lastIndexOf('/') + 1)), (bytes) => {
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    return bytes;
  });
  assert.equal((await update()).code, 0);
  const changed = await upgrade();
  assert.notEqual(changed.code, 0);
  assert.match(changed.output, /Hash Sum mismatch/);

  restore();
  publish(KEY);
  for (const name of ['Packages', 'Packages.gz'])
    damage(
      join(
        repository,
        'dists',
        'stable',
        'main',
        `binary-${await machine.ok('dpkg --print-architecture')}`,
        name,
      ),
      (bytes) => Buffer.concat([bytes, Buffer.from('\n')]),
    );
  await machine.ok('rm -rf /var/lib/apt/lists/*');
  const index = await update();
  assert.notEqual(index.code, 0);
  assert.match(index.output, /Hash Sum mismatch|unexpected size/);

  restore();
  publish(KEY);
  damage(join(repository, 'dists', 'stable', 'InRelease'), (bytes) =>
    Buffer.from(bytes.toString().replace('Origin: d3kOS export', 'Origin: d3kOS Export')),
  );
  const edited = await update();
  assert.notEqual(edited.code, 0);
  assert.match(edited.output, /signature|BADSIG/i);

  restore();
  publish(OTHER_KEY);
  const other = await update();
  assert.notEqual(other.code, 0);
  assert.match(other.output, /NO_PUBKEY|Missing key|signature/i);

  restore();
  assert.equal((await update()).code, 0);
  await upgrade();
  assert.equal(await installed(), OLD);
});

step('a boat enrols with a code through a TLS proxy, and delivers', async () => {
  await makeCertificate(folder, `IP:${BOAT_ADDRESS}`);
  for (const name of ['cert.pem', 'key.pem'])
    cpSync(join(folder, name), join(machine.root, 'etc', 'nginx', name));
  writeFileSync(
    join(machine.root, 'etc', 'nginx', 'sites-available', 'default'),
    `server {
  listen 443 ssl;
  ssl_certificate /etc/nginx/cert.pem;
  ssl_certificate_key /etc/nginx/key.pem;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_read_timeout 1800s;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Request-Id $request_id;
  location / { proxy_pass http://127.0.0.1:8095; }
}
`,
  );
  await machine.ok(`nginx -t && systemctl restart nginx
    tee -a /etc/default/d3kos-central >/dev/null <<END
CENTRAL_OPERATOR_TOKEN=$(openssl rand -hex 24)
CENTRAL_TRUSTED_PROXIES=127.0.0.1
END
    systemctl restart ${SERVICE}`);
  await untilReady();
  const { code } = await central(`invite ${INSTALLATION} --tier 2`);
  fleetBoat = await startFleetBoat(machine, {
    deb: findPackage(packages, 'd3kos-export'),
    folder: join(folder, 'boat'),
    url: `https://${BOAT_ADDRESS}`,
    ca: join(folder, 'cert.pem'),
  });
  await fleetBoat.boat('enroll', String(code));
  await deliver();
  assert.ok((await records()) > 200);
});

step('an account is added, and the operator token gives access to the fleet API', async () => {
  const { password } = await central('account add anna --role admin');
  assert.match(String(password), /^\S{12,}$/);
  await machine.ok(
    `. /etc/default/d3kos-central && curl -sf -H "Authorization: Bearer $CENTRAL_OPERATOR_TOKEN" http://127.0.0.1:8095/api/v1/fleet`,
  );
});

step(
  'the service stops requests and its database cleanly, and root may run commands while it is running',
  async () => {
    assert.match(await machine.ok('d3kos-central list'), new RegExp(INSTALLATION));
    await machine.ok(`systemctl stop ${SERVICE}`);
    assert.equal(await machine.ok(`systemctl show -P Result ${SERVICE}`), 'success');
    const asRoot = await machine.run('d3kos-central list');
    assert.notEqual(asRoot.code, 0);
    assert.match(asRoot.output, /belongs to another account[^]*sudo -u/);
    assert.equal(await machine.ok('find /var/lib/d3kos-central ! -user d3kos-central'), '');
    assert.match(await machine.ok('sudo -u d3kos-central d3kos-central list'), new RegExp(INSTALLATION));
    await machine.ok(`systemctl start ${SERVICE}`);
    await untilReady();
  },
);

let beforeUpgrade = 0;
step('apt upgrades the package and keeps the settings and the database', async () => {
  beforeUpgrade = await records();
  writeAptRepository(repository, [newer], KEY);
  assert.equal((await update()).code, 0);
  const { code, output } = await machine.run('apt-get upgrade -y');
  assert.equal(code, 0, output);
  assert.equal(await installed(), NEW);
  await untilReady();
  assert.match(await machine.ok('cat /etc/default/d3kos-central'), /^CENTRAL_OPERATOR_TOKEN=[0-9a-f]{48}$/m);
  await deliver();
  assert.equal(await records(), beforeUpgrade);
});

step('a backup of the data folder is restored, and the boat sends the missing exports again', async () => {
  await machine.ok(`systemctl stop ${SERVICE}
    tar -C /var/lib/d3kos-central -caf /root/central-2026-06-01.tar.zst data
    systemctl start ${SERVICE}`);
  await untilReady();
  const atBackup = await telemetry();
  await deliver();
  assert.equal(await telemetry(), atBackup + 1);
  await machine.ok(`systemctl stop ${SERVICE}
    mv /var/lib/d3kos-central/data /var/lib/d3kos-central/data.broken
    tar -C /var/lib/d3kos-central -xaf /root/central-2026-06-01.tar.zst
    systemctl start ${SERVICE}`);
  await untilReady();
  assert.equal(await telemetry(), atBackup);
  await deliver();
  await until('the boat has sent the missing export', async () => (await telemetry()) === atBackup + 2);
});

step('apt installs the earlier version again, and the boat still delivers', async () => {
  const held = await telemetry();
  await machine.ok(`apt-get install -y --allow-downgrades d3kos-central=${OLD}`);
  assert.equal(await installed(), OLD);
  await untilReady();
  await deliver();
  assert.equal(await telemetry(), held + 1);
});

step('central starts again after a reboot', async () => {
  await machine.reboot();
  await untilReady();
  assert.equal(await machine.ok('systemctl --failed --no-legend'), '');
});

step(
  'removal keeps the settings and the database, and the next installation continues with them',
  async () => {
    const held = await telemetry();
    await machine.ok('apt-get remove -y d3kos-central');
    assert.notEqual((await machine.run(`systemctl is-active ${SERVICE}`)).code, 0);
    assert.equal((await machine.run('pgrep -u d3kos-central')).output, '');
    await machine.ok('apt-get install -y d3kos-central');
    await untilReady();
    assert.equal(await telemetry(), held);
    await deliver();
  },
);

step('purge removes the settings, keeps the database, and prints its location', async () => {
  const output = await machine.ok('apt-get purge -y d3kos-central');
  assert.match(output, /the fleet's database was kept in \/var\/lib\/d3kos-central/);
  await machine.ok('test -d /var/lib/d3kos-central/data/postgres');
  const left = await machine.ok(
    "find / -xdev -name '*d3kos-central*' -not -path '/proc/*' -not -path '/var/log/journal/*' -not -path '/var/cache/apt/*' -not -path '/var/lib/d3kos-central*'",
  );
  assert.equal(left, '');
  await machine.ok('apt-get install -y d3kos-central');
  await untilReady();
  await deliver();
});
