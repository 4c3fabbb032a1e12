import type { ContentCoding, ExportDocument } from '@d3kos/protocol';
import type { BoatFacts } from './boat-facts.ts';
import { toStorableText } from './json-value.ts';
import type { Arrival } from './ledger-policy.ts';
import type { PartIdentity } from './part-identity.ts';
import type { SortedRecords } from './records.ts';

/** The members of the document's schema except its records. Members that the schema does not have are left out. */
export type DocumentClaims = Readonly<Omit<ExportDocument, 'data'>>;

/** A decoded and checked part, ready to be stored. */
export interface PartToStore {
  readonly document: DocumentClaims;
  readonly identity: PartIdentity;
  readonly sorted: SortedRecords;
  /** The members of each section except its records, as JSON text. */
  readonly sections: string;
  readonly facts: BoatFacts;
  readonly arrival: Arrival;
  /** Hex SHA-256 of the decoded body. */
  readonly sha256: string;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
  readonly decodedSizeBytes: number;
  /** Central's own time, stored in addition to the times that the document claims. */
  readonly receivedMs: number;
  /** The import ID, used if the part is stored. */
  readonly importId: string;
}

/** The software version that a document claims, as storable text, or null. */
export function toSoftwareVersion({ software_version }: DocumentClaims): string | null {
  return software_version === undefined ? null : toStorableText(software_version);
}

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function toIso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** Returns how many of a part's records are stored. */
export function countRecords({ sorted }: PartToStore): number {
  return [...sorted.counts.values()].reduce((sum, count) => sum + count, 0);
}
