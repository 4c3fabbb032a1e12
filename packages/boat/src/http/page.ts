import { join } from 'node:path';
import type { Context } from 'hono';
import { ExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';

/** Maximum size of one of the page's files, in bytes. The largest is smaller than 200 KB. */
const PAGE_FILE_SIZE_MAX_BYTES = 4 * 1024 * 1024;

/** The page's files and their media types. Requests cannot select any other file. */
const PAGE_FILES = {
  'index.html': 'text/html; charset=utf-8',
  'boat.js': 'text/javascript; charset=utf-8',
  'boat.css': 'text/css; charset=utf-8',
} as const;

/** Where the page's files are, and which origins may frame it. */
export interface PageDeps {
  readonly disk: Pick<Disk, 'read'>;
  readonly folder: string;
  readonly frameOrigins: readonly string[];
}

/**
 * Returns the page's Content-Security-Policy. The page loads files and data only from its own server, runs no inline script, and
 * cannot turn text into markup (Trusted Types). Only pages from the same origin and from the given origins (the kiosk's) may
 * frame it.
 */
export function toContentSecurityPolicy(frameOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    `frame-ancestors ${["'self'", ...frameOrigins.filter(isSafeSource)].join(' ')}`,
  ].join('; ');
}

/** Returns true if the origin cannot inject a directive or an additional source into the policy. */
function isSafeSource(origin: string): boolean {
  return /^https?:\/\/[\w.:[\]-]+$/.test(origin);
}

/** A language code. Requests cannot select any file other than the texts in a language. */
const LANGUAGE_CODE = /^[a-z]{2}$/;

/** Sends the page's texts in one language. Throws NOT_FOUND if the page does not have that language. */
export async function sendPageTexts(context: Context, deps: PageDeps, language: string): Promise<Response> {
  if (!LANGUAGE_CODE.test(language))
    throw new ExportError('NOT_FOUND', 'The language is not a two-letter code', {
      op: 'open the page',
      hint: 'Use a code such as fr.',
    });
  return sendFileOfPage(context, deps, `texts-${language}.json`, 'application/json; charset=utf-8');
}

/** Sends one of the page's files. Throws NOT_FOUND if the page has not been built. */
export async function sendPageFile(
  context: Context,
  deps: PageDeps,
  name: keyof typeof PAGE_FILES,
): Promise<Response> {
  return sendFileOfPage(context, deps, name, PAGE_FILES[name]);
}

async function sendFileOfPage(
  context: Context,
  { disk, folder, frameOrigins }: PageDeps,
  name: string,
  mediaType: string,
): Promise<Response> {
  const bytes = await disk.read(join(folder, name), PAGE_FILE_SIZE_MAX_BYTES);
  if (bytes === undefined)
    throw new ExportError('NOT_FOUND', `The page's file ${name} does not exist`, {
      op: 'open the page',
      hint: 'Build the page with npm run setup.',
    });
  context.header('Content-Type', mediaType);
  context.header('Content-Security-Policy', toContentSecurityPolicy(frameOrigins));
  context.header('Referrer-Policy', 'no-referrer');
  context.header('Cross-Origin-Opener-Policy', 'same-origin');
  // The bytes are copied because the type of a response body requires an ArrayBuffer that is not shared.
  return context.body(new Uint8Array(bytes));
}
