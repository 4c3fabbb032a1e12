import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { TransportError } from './ports.ts';
import { createTransport } from './transport.ts';

const DAY_MS = 86_400_000;

/** Returns a DER value (X.690) with its tag and length. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const SEQUENCE = 0x30;
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'));
const toName = (name: string) =>
  der(SEQUENCE, der(0x31, der(SEQUENCE, oid('550403'), der(0x0c, Buffer.from(name)))));
const toTime = (wallMs: number) =>
  der(0x18, Buffer.from(`${new Date(wallMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));

interface Certificate {
  readonly name: string;
  readonly cert: string;
  readonly key: KeyObject;
}

/** Creates a certificate for `host` (RFC 5280), valid between the two times, and signed by `issuer` or self-signed. */
function makeCertificate(host: string, fromMs: number, toMs: number, issuer?: Certificate): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = der(SEQUENCE, der(0x82, Buffer.from(host)));
  const extensions = der(
    0xa3,
    der(
      SEQUENCE,
      der(SEQUENCE, oid('551d11'), der(0x04, names)),
      der(
        SEQUENCE,
        oid('551d13'),
        der(0x01, Buffer.from([255])),
        der(0x04, der(SEQUENCE, der(0x01, Buffer.from([255])))),
      ),
    ),
  );
  const body = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    toName(issuer?.name ?? host),
    der(SEQUENCE, toTime(fromMs), toTime(toMs)),
    toName(host),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, issuer?.key ?? privateKey));
  const base64 = der(SEQUENCE, body, ECDSA_WITH_SHA256, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g)?.join('\n') ?? '';
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { name: host, cert, key: privateKey };
}

const closings: (() => void)[] = [];
after(() => {
  for (const close of closings) close();
});

/** Sends a request to a server that presents the certificate and `chain`. Resolves with the answer or the error code. */
async function ask(certificate: Certificate, authority?: Certificate, chain: readonly Certificate[] = []) {
  const key = certificate.key.export({ type: 'pkcs8', format: 'pem' });
  const cert = [certificate, ...chain].map((one) => one.cert).join('');
  const server = createServer({ cert, key }, (_, response) => response.end('over TLS'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createTransport(authority === undefined ? {} : { authority: authority.cert });
  closings.push(() => {
    http.close();
    server.close();
  });
  // A listening TCP server always has an address with a port.
  const request = new Request(`https://localhost:${(server.address() as AddressInfo).port}/`);
  try {
    return await (await http.transport(request, new AbortController().signal)).text();
  } catch (error) {
    assert.ok(error instanceof TransportError);
    return `${error.phase} ${error.code}`;
  }
}

describe('a secure connection', () => {
  const now = Date.now();
  const table = [
    ['accepts a valid certificate', 'localhost', -1, 1, 'trusted', 'over TLS'],
    ['reports a certificate that is not yet valid', 'localhost', 1, 2, 'trusted', 'tls CERT_NOT_YET_VALID'],
    ['reports an expired certificate', 'localhost', -2, -1, 'trusted', 'tls CERT_HAS_EXPIRED'],
    [
      'reports a certificate for another name',
      'portal.example',
      -1,
      1,
      'trusted',
      'tls ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'reports a certificate for another name even if its authority is unknown',
      'portal.example',
      -1,
      1,
      'unknown',
      'tls ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'reports a self-signed certificate with the requested name',
      'localhost',
      -1,
      1,
      'unknown',
      'tls DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
  ] as const;
  for (const [name, host, fromDays, toDays, trust, expected] of table)
    it(name, async () => {
      const certificate = makeCertificate(host, now + fromDays * DAY_MS, now + toDays * DAY_MS);
      assert.equal(await ask(certificate, trust === 'trusted' ? certificate : undefined), expected);
    });

  const from = now - DAY_MS;
  const to = now + DAY_MS;
  const root = makeCertificate('Root', from, to);
  const between = makeCertificate('Between', from, to, root);

  it('accepts a complete chain, and distinguishes an incomplete chain from one with an unknown authority', async () => {
    const leaf = makeCertificate('localhost', from, to, between);
    assert.equal(await ask(leaf, root, [between]), 'over TLS');
    assert.equal(await ask(leaf, root), 'tls UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.equal(await ask(leaf, undefined, [between]), 'tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
    assert.equal(await ask(leaf, undefined, [between, root]), 'tls SELF_SIGNED_CERT_IN_CHAIN');
  });

  it("reports the wrong name in a portal's certificate, whatever else is wrong with its chain", async () => {
    const leaf = makeCertificate('portal.example', from, to, between);
    for (const chain of [[], [between], [between, root]])
      assert.equal(await ask(leaf, undefined, chain), 'tls ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is refused if the certificate is invalid, even if NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      assert.equal(await ask(makeCertificate('localhost', from, to)), 'tls DEPTH_ZERO_SELF_SIGNED_CERT');
      assert.equal(
        await ask(makeCertificate('portal.example', from, to, root), root),
        'tls ERR_TLS_CERT_ALTNAME_INVALID',
      );
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});
