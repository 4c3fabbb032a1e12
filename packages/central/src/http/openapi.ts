import {
  CentralErrorSchema,
  ExportDocumentSchema,
  FORMAT_VERSION,
  HEALTH_PATH,
  HealthSchema,
  HeldPartsSchema,
  IMPORT_PATH,
  ReceiptSchema,
} from '@d3kos/protocol';

/** Central's API as OpenAPI 3.1; the schemas are those that requests are checked with. */
export function toOpenApi(): unknown {
  const refusals = (statuses: readonly number[]) =>
    Object.fromEntries(
      statuses.map((status) => [
        String(status),
        { description: 'Refused', ...content({ $ref: '#/components/schemas/Error' }) },
      ]),
    );
  const ok = (description: string, schema: unknown = { type: 'object' }) => ({
    '200': { description, ...content(schema) },
  });
  const device = [{ deviceToken: [] }, { operatorToken: [] }];
  return {
    openapi: '3.1.0',
    info: { title: 'd3kOS central', version: FORMAT_VERSION, description: 'Takes the exports of a fleet.' },
    components: {
      securitySchemes: {
        deviceToken: { type: 'http', scheme: 'bearer', description: 'Issued by `d3kos-central enroll`.' },
        operatorToken: { type: 'http', scheme: 'bearer', description: 'CENTRAL_OPERATOR_TOKEN.' },
        operatorBasic: { type: 'http', scheme: 'basic', description: 'Any name; CENTRAL_OPERATOR_TOKEN.' },
      },
      schemas: { Error: CentralErrorSchema, Receipt: ReceiptSchema, Document: ExportDocumentSchema },
    },
    paths: {
      [IMPORT_PATH]: {
        post: {
          summary: 'Store an export document or one part of it, and answer with a receipt',
          security: [{ deviceToken: [] }],
          parameters: [
            header('Idempotency-Key', '<export_id>/<part index>; derived from the document where absent'),
            header('Content-Digest', 'RFC 9530 sha-256 of the bytes sent'),
            header('Content-Encoding', 'gzip, br or zstd'),
          ],
          requestBody: { required: true, ...content({ $ref: '#/components/schemas/Document' }) },
          responses: {
            ...ok('The receipt', { $ref: '#/components/schemas/Receipt' }),
            ...refusals([400, 401, 403, 409, 413, 415, 429, 500, 503]),
          },
        },
      },
      [`${IMPORT_PATH}/{export_id}`]: {
        get: {
          summary: 'The receipts of what is held of one export of the asking boat',
          security: [{ deviceToken: [] }],
          parameters: [
            { name: 'export_id', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'after', in: 'query', required: false, schema: { type: 'integer' } },
          ],
          responses: { ...ok('The receipts', HeldPartsSchema), ...refusals([400, 401, 403, 503]) },
        },
      },
      '/api/v1/data/export/status': {
        get: {
          summary: 'What central holds of an installation, and which exports are missing',
          security: device,
          parameters: [{ name: 'installation_id', in: 'query', required: true, schema: { type: 'string' } }],
          responses: { ...ok('The status'), ...refusals([400, 401, 403, 404, 503]) },
        },
      },
      '/api/v1/installations/{id}/configuration': {
        get: {
          summary: 'The newest onboarding and settings, to restore a boat from',
          security: device,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: { ...ok('The configuration'), ...refusals([400, 401, 403, 404, 503]) },
        },
      },
      [HEALTH_PATH]: {
        get: { summary: 'Names this service and tells its time', responses: ok('Here', HealthSchema) },
      },
      '/metrics': { get: { summary: 'Prometheus metrics', responses: { '200': { description: 'Text' } } } },
      '/openapi.json': { get: { summary: 'This document', responses: ok('OpenAPI') } },
      '/': {
        get: {
          summary: 'The fleet, for the operator',
          security: [{ operatorBasic: [] }, { operatorToken: [] }],
          responses: { '200': { description: 'HTML' }, ...refusals([401, 403]) },
        },
      },
    },
  };
}

function content(schema: unknown) {
  return { content: { 'application/json': { schema } } };
}

function header(name: string, description: string) {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}
