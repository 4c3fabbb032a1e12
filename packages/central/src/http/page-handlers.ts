import type { PAGE_ROUTES } from '../api/page-routes.ts';
import type { AppContext } from './context.ts';
import { refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/**
 * The page's Content-Security-Policy. It loads files and data only from its own server, runs no inline script, cannot turn text
 * into markup (Trusted Types), and cannot be framed.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const PAGE_HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Each route's file. A request cannot select any other file. */
const FILES: Readonly<Record<Exclude<keyof typeof PAGE_ROUTES, 'fleetTexts'>, string>> = {
  fleetPage: 'index.html',
  fleetScript: 'fleet.js',
  fleetStyle: 'fleet.css',
  fleetLand: 'land.json',
  fleetCoast: 'coast.json',
};

/** Handlers of the routes for the page's files. */
export const PAGE_HANDLERS: { readonly [Id in keyof typeof PAGE_ROUTES]: Handler<Id> } = {
  fleetPage: (context) => sendFile(context, 'fleetPage'),
  fleetScript: (context) => sendFile(context, 'fleetScript'),
  fleetStyle: (context) => sendFile(context, 'fleetStyle'),
  fleetTexts: async ({ readPageFile }, { parameters: { language = '' } }) => {
    // The route accepts only two letters, so a request cannot select any other file.
    const texts = await readPageFile(`texts-${language}.json`);
    if (texts === undefined) return refuse('NOT_FOUND', `the page has no texts in ${language}`);
    return { kind: 'answered', body: JSON.parse(texts), headers: PAGE_HEADERS };
  },
  fleetLand: (context) => sendFile(context, 'fleetLand'),
  fleetCoast: (context) => sendFile(context, 'fleetCoast'),
};

async function sendFile({ readPageFile, log }: AppContext, id: keyof typeof FILES) {
  const body = await readPageFile(FILES[id]);
  if (body !== undefined) return { kind: 'answered' as const, body, headers: PAGE_HEADERS };
  log.write('error', 'the page is not built', { file: FILES[id], hint: 'run `npm run setup`' });
  return refuse('INTERNAL', 'the page is not built: run `npm run setup` on the server');
}
