import {
  ENROL_PATH,
  EnrolmentRequestSchema,
  EnrolmentSchema,
  ExportDocumentSchema,
  HeldPartsSchema,
  IMPORT_PATH,
  LEDGER_ID_HEADER,
  ImportAnswerSchema,
  StoredConfigurationSchema,
  toConfigurationPath,
} from '@d3kos/protocol';
import { Type } from 'typebox';
import {
  BOAT_REFUSALS,
  BODY_REFUSALS,
  installationId,
  JSON_TYPE,
  type Route,
  SMALL_BODY_SIZE_MAX_BYTES,
  STORE_REFUSALS,
} from './route.ts';
import { ExportStatusSchema } from './schemas.ts';

/** The routes for boats. */
export const BOAT_ROUTES = {
  importPart: {
    method: 'POST',
    path: IMPORT_PATH,
    access: 'boat-imports',
    load: 'import',
    summary: 'Stores a document or one part of a document, and answers with a receipt.',
    description:
      'If a key is repeated with the same body, central returns the same receipt with `duplicate:true`. If the body is different, it answers 409. If another export has the same sequence in the same ledger, it answers 409 `LEDGER_DIVERGED`, and the boat begins a new ledger.',
    parameters: [
      {
        in: 'header',
        name: 'Idempotency-Key',
        required: false,
        description: '`<export_id>/<part index>`. If it is absent, central derives it from the document.',
        schema: Type.String(),
      },
      {
        in: 'header',
        name: 'Content-Digest',
        required: false,
        description: 'RFC 9530 sha-256 of the bytes sent',
        schema: Type.String(),
      },
      {
        in: 'header',
        name: LEDGER_ID_HEADER,
        required: false,
        description:
          "The ledger that the boat uses now. It differs from the document's ledger for an export from a lost ledger",
        schema: Type.String(),
      },
      {
        in: 'header',
        name: 'Content-Encoding',
        required: false,
        description: 'gzip, br or zstd',
        schema: Type.String(),
      },
    ],
    body: ExportDocumentSchema,
    answer: {
      description: 'The receipt, and the lower sequences of its ledger that central lacks',
      contentType: JSON_TYPE,
      schema: ImportAnswerSchema,
    },
    refusals: [
      'INVALID_FORMAT',
      'INVALID_DIGEST',
      'INSTALLATION_MISMATCH',
      'BODY_INCOMPLETE',
      'IDEMPOTENCY_CONFLICT',
      'LEDGER_DIVERGED',
      'BODY_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'QUOTA_EXCEEDED',
      ...BOAT_REFUSALS,
    ],
  },
  heldParts: {
    method: 'GET',
    path: `${IMPORT_PATH}/{export_id}`,
    access: 'boat-reads',
    load: 'small-query',
    summary: "Returns the receipts for the parts that central holds of one of the boat's exports.",
    description: 'If `next` is not null, pass its value as `?after=` to get the rest.',
    parameters: [
      {
        in: 'path',
        name: 'export_id',
        required: true,
        description: 'The export',
        schema: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,80}$' }),
      },
      {
        in: 'query',
        name: 'after',
        required: false,
        description: 'Return only parts with a higher index',
        schema: Type.String({ pattern: '^[0-9]{1,7}$' }),
      },
    ],
    body: undefined,
    answer: { description: 'The receipts', contentType: JSON_TYPE, schema: HeldPartsSchema },
    refusals: ['INVALID_FORMAT', ...BOAT_REFUSALS],
  },
  exportStatus: {
    method: 'GET',
    path: '/api/v1/data/export/status',
    access: 'boat-or-operator',
    load: 'query',
    summary:
      'Returns the state of the exports of an installation at central, with the sequences missing from its newest ledger.',
    description:
      '`withdrawn_sequences` are missing because the boat withdrew them; later exports contain their records. `concurrent_ledgers` is above 0 if two machines use this installation ID. Values that only the boat has are null.',
    parameters: [
      {
        in: 'query',
        name: 'installation_id',
        required: true,
        description: 'The installation',
        schema: installationId,
      },
    ],
    body: undefined,
    answer: { description: 'The status', contentType: JSON_TYPE, schema: ExportStatusSchema },
    refusals: ['INVALID_FORMAT', 'INSTALLATION_MISMATCH', 'NOT_FOUND', ...BOAT_REFUSALS],
  },
  configuration: {
    method: 'GET',
    path: toConfigurationPath('{id}'),
    access: 'boat-or-admin',
    load: 'query',
    summary:
      'Returns the newest onboarding and settings records, which are used to restore a reflashed boat.',
    description: 'A record larger than 2 MiB is returned as null.',
    parameters: [
      {
        in: 'path',
        name: 'id',
        required: true,
        description: 'The installation',
        schema: installationId,
      },
    ],
    body: undefined,
    answer: { description: 'The configuration', contentType: JSON_TYPE, schema: StoredConfigurationSchema },
    refusals: ['FORBIDDEN', 'INVALID_FORMAT', 'INSTALLATION_MISMATCH', 'NOT_FOUND', ...BOAT_REFUSALS],
  },
  redeemCode: {
    method: 'POST',
    path: ENROL_PATH,
    access: 'anyone',
    load: 'none',
    summary:
      'Redeems a one-time enrolment code, and stores the digest of a device token that the boat created.',
    description:
      'Only one token can redeem a code. If the request is repeated with the same token, the answer is the same. With `installation_id`, a code for another installation is refused and stays usable.',
    parameters: [],
    body: EnrolmentRequestSchema,
    bodySizeMaxBytes: SMALL_BODY_SIZE_MAX_BYTES,
    answer: { description: 'The enrolment', contentType: JSON_TYPE, schema: EnrolmentSchema },
    refusals: [
      ...BODY_REFUSALS,
      'INVALID_CODE',
      'INSTALLATION_MISMATCH',
      'INSTALLATION_DISABLED',
      'TOO_MANY_REQUESTS',
      ...STORE_REFUSALS,
    ],
  },
} as const satisfies Readonly<Record<string, Route>>;
