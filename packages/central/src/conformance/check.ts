/** The implementation under test. `send` sends it one request, whose URL is under `base`. */
export interface Subject {
  readonly base: string;
  readonly installationId: string;
  readonly token: string;
  readonly send: (request: Request) => Promise<Response>;
  /** Random hex digits. The IDs of a run must not be those of an earlier one. */
  readonly randomHex: (length: number) => string;
}

/** The result of a check. `skipped` means that the situation that the requirement covers did not occur. */
export type Outcome =
  | { readonly kind: 'passed'; readonly evidence: string }
  | { readonly kind: 'failed'; readonly evidence: string }
  | { readonly kind: 'skipped'; readonly evidence: string };

/** One requirement of docs/spec/protocol.md, and the check that shows whether it holds. */
export interface Check {
  /** Its number, for example `R28`. */
  readonly requirement: string;
  /** What the check verifies, as one sentence without the full stop. */
  readonly title: string;
  /** Throws Broken if the requirement does not hold. Returns the evidence that it does, or `skip`. */
  readonly run: (run: Run) => Promise<string | Skipped>;
}

export interface Skipped {
  readonly reason: string;
}

/** A requirement that does not hold, with the evidence. */
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
  /** The body as an object. Empty if it is not one. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Describes an answer in one line, without the token. */
export function describe({ status, text }: Answer): string {
  return `${status} ${text.slice(0, 200).replaceAll(/\s+/g, ' ')}`;
}

/** One run against an implementation. Its exports have consecutive sequences in one ledger. */
export interface Run {
  readonly subject: Subject;
  readonly ledgerId: string;
  /** The next sequence of the ledger. */
  nextSequence(): number;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(body: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string | undefined>>): Promise<Answer>;
}
