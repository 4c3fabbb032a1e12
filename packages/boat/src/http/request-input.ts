import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';

/** Creates a REQUEST_INVALID error with the hint that applies to malformed requests. */
export function invalidRequest(message: string): ExportError {
  return new ExportError('REQUEST_INVALID', message, {
    op: 'read a request',
    hint: 'GET /openapi.json describes the routes.',
  });
}

/**
 * Parses and validates the request's JSON. A missing body counts as `{}`. The caller limits the body's size. Throws
 * REQUEST_INVALID.
 */
export async function readJson(request: Request, schema: Validator): Promise<unknown> {
  const text = await request.text();
  const value = text.trim() === '' ? {} : parseJson(text);
  requireMatch(schema, value, 'The body');
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest('The body is not JSON');
  }
}

/**
 * Parses and validates the known query parameters, converting integers to numbers. Ignores other parameters. Throws
 * REQUEST_INVALID.
 */
export function parseQuery(
  schema: Validator,
  properties: Readonly<Record<string, TSchema>>,
  texts: Readonly<Record<string, string>>,
): unknown {
  const value = Object.fromEntries(
    Object.keys(properties).flatMap((key) => {
      const text = texts[key];
      if (text === undefined) return [];
      return [[key, /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : text] as const];
    }),
  );
  requireMatch(schema, value, 'The query');
  return value;
}

function requireMatch(schema: Validator, value: unknown, where: string): void {
  if (schema.Check(value)) return;
  const [error] = schema.Errors(value);
  throw invalidRequest(
    `${where} is invalid: ${error?.instancePath.slice(1) ?? ''} ${error?.message ?? ''}`.trim(),
  );
}
