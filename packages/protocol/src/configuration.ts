import { Type, type Static } from 'typebox';

/** Path of the request for an installation's stored configuration (docs/spec/protocol.md R62). */
export function toConfigurationPath(installationId: string): string {
  return `/api/v1/installations/${installationId}/configuration`;
}

/** A record as the boat sent it, or null if it exceeds the size limit. */
const StoredDocumentSchema = Type.Object({
  record_id: Type.String(),
  received_at: Type.String(),
  record: Type.Unknown(),
});
export type StoredDocument = Readonly<Static<typeof StoredDocumentSchema>>;

/** The records from which a reflashed boat is restored. A record is null if central does not hold it. */
export const StoredConfigurationSchema = Type.Object({
  status: Type.Literal('success'),
  installation_id: Type.String(),
  onboarding: Type.Union([StoredDocumentSchema, Type.Null()]),
  settings: Type.Union([StoredDocumentSchema, Type.Null()]),
});
export type StoredConfiguration = Readonly<Static<typeof StoredConfigurationSchema>>;
