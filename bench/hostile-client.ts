import { Agent, request } from 'node:http';

/** Time after which a client drops a body that it does not complete, and moves on to the next one. */
const STALL_MS = 4_000;

export type Coding = 'br' | 'gzip' | 'identity';

/** An enrolled boat. */
export interface Boat {
  readonly id: string;
  readonly token: string;
  /** The boat's own connections. Central drops attackers' connections, so an honest boat must not share them. */
  readonly agent: Agent;
}

/** The answer to an import. Status 0: the connection failed. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Gives a boat its own connections. */
export function toBoat(id: string, token: string): Boat {
  return { id, token, agent: new Agent({ keepAlive: true }) };
}

/** Sends a body as the only document of a request, and reads the answer. */
export function send(
  port: number,
  { token, agent }: Boat,
  body: Buffer,
  coding: Coding,
  options: { readonly stalledBytes: number; readonly signal?: AbortSignal } = { stalledBytes: 0 },
): Promise<Answer> {
  return new Promise((resolve) => {
    const sent = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/api/v1/data/import',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': body.length + options.stalledBytes,
        ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    sent.on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      answer.on('close', () => resolve({ status: answer.statusCode ?? 0, text }));
      // The answer may come before the body is complete.
      if (options.stalledBytes > 0) sent.destroy();
    });
    sent.on('error', (error) => resolve({ status: 0, text: error.message }));
    if (options.stalledBytes === 0) {
      sent.end(body);
      return;
    }
    sent.write(body);
    sent.setTimeout(STALL_MS, () => sent.destroy());
  });
}

/** Returns a document with boatlog entries, given as JSON strings. */
export function toDocument({ id }: Boat, name: string, entries: string): string {
  return (
    `{"installation_id":"${id}","export_timestamp":"2026-06-01T11:59:00Z","format_version":"1.0","export_id":"${name}",` +
    `"data":{"boatlog":{"category":"boatlog","entries":[${entries}]}}}`
  );
}
