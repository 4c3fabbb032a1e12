/** The implementation under test. `send` sends one request to a URL under `base`. */
export interface Subject {
  readonly base: string;
  readonly installationId: string;
  readonly token: string;
  readonly send: (request: Request) => Promise<Response>;
  /** Random hex digits. A run must not reuse the IDs of an earlier one. */
  readonly randomHex: (length: number) => string;
}

/** A check's result. `skipped`: the situation covered by the requirement did not occur. */
export type Outcome =
  | { readonly kind: 'passed'; readonly evidence: string }
  | { readonly kind: 'failed'; readonly evidence: string }
  | { readonly kind: 'skipped'; readonly evidence: string };

/** A requirement of docs/spec/protocol.md, and the check that verifies it. */
export interface Check {
  /** Its number, for example `R28`. */
  readonly requirement: string;
  /** What the check verifies, as one sentence without its full stop. */
  readonly title: string;
  /** Throws Broken if the requirement does not hold. Returns the evidence that it does, or `skip`. */
  readonly run: (run: Run) => Promise<string | Skipped>;
}

export interface Skipped {
  readonly reason: string;
}

/** Thrown if a requirement does not hold; contains the evidence. */
export class Broken extends Error {}

/** Fails a check with its evidence unless `holds`. */
export function expect(holds: boolean, evidence: string): void {
  if (!holds) throw new Broken(evidence);
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, or an empty object if the body is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Describes an answer in one line that does not contain the token. */
export function describe({ status, text }: Answer): string {
  return `${status} ${text.slice(0, 200).replaceAll(/\s+/g, ' ')}`;
}

/** A run against one implementation. Its exports have consecutive sequences in one ledger. */
export interface Run {
  readonly subject: Subject;
  readonly ledgerId: string;
  /** The next sequence of the ledger. */
  nextSequence(): number;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(body: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string | undefined>>): Promise<Answer>;
}
