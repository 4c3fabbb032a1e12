import type { ContentCoding, ExportDocument } from '@d3kos/protocol';
import { toStorableText } from './json-value.ts';
import type { PartIdentity } from './part-identity.ts';

/** One checked and decoded part. */
export interface PartToStore {
  readonly document: ExportDocument;
  readonly identity: PartIdentity;
  /** Hex SHA-256 of the decoded body. */
  readonly sha256: string;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
  readonly decodedSizeBytes: number;
  /** Central's own time, stored beside the times that the document claims. */
  readonly receivedMs: number;
  /** The import id, used if the part is stored. */
  readonly importId: string;
}

/** The software version that a document claims, in storable text, or null. */
export function toSoftwareVersion({ software_version }: ExportDocument): string | null {
  return software_version === undefined ? null : toStorableText(software_version);
}

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function toIso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
