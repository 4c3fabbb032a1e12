import type { ACCESS_ROUTES } from '../api/operator-routes.ts';
import { EXPORT_FORMATS } from '../data-export/file-formats.ts';
import { streamExport } from '../data-export/stream-export.ts';
import { listEventPage, NO_INSTALLATION_ID } from '../installations/audit.ts';
import { invite } from '../installations/codes.ts';
import { enable, enroll, revoke } from '../installations/enroll.ts';
import { listTokens, revokeToken, rotateToken } from '../installations/tokens.ts';
import { openArchive } from '../platform/zip-archive.ts';
import { erase } from '../retention/erase.ts';
import { toChange } from './account-handlers.ts';
import { refuseFailures } from './refuse-failures.ts';
import { answer, refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Default lifetimes of an enrolment code and of a replaced token. Boats may be offline for weeks. */
const CODE_EXPIRES_HOURS = 48;
const REPLACED_TOKEN_KEEP_DAYS = 30;

const NO_INSTALLATION = { INSTALLATION_NOT_FOUND: 'NOT_FOUND' } as const;
const NO_TOKEN = { INSTALLATION_NOT_FOUND: 'NOT_FOUND', TOKEN_NOT_FOUND: 'NOT_FOUND' } as const;

/** Handlers of the routes for managing boats' access. */
export const ACCESS_HANDLERS: { readonly [Id in keyof typeof ACCESS_ROUTES]: Handler<Id> } = {
  tokens: ({ store }, { parameters: { id = '' } }) =>
    refuseFailures(NO_INSTALLATION, async () =>
      answer<'tokens'>({ status: 'success', installation_id: id, tokens: await listTokens(store, id) }),
    ),
  issueToken: async (context, { operator, parameters: { id = '' }, body }) => {
    const { expires_days: expiresDays } = body;
    const enrolment = { installationId: id, ...(expiresDays === undefined ? {} : { expiresDays }) };
    const enrolled = await enroll(toChange(context, operator), enrolment);
    return answer<'issueToken'>({ status: 'success', ...enrolled });
  },
  rotateToken: (context, { operator, parameters: { id = '', token_id = '' }, body }) =>
    refuseFailures(NO_TOKEN, async () => {
      const rotated = await rotateToken(toChange(context, operator), {
        installationId: id,
        tokenId: token_id,
        expiresDays: body.expires_days,
        keepDays: body.keep_days ?? REPLACED_TOKEN_KEEP_DAYS,
      });
      return answer<'rotateToken'>({ status: 'success', ...rotated });
    }),
  revokeToken: (context, { operator, parameters: { id = '', token_id = '' } }) =>
    refuseFailures(NO_TOKEN, async () => {
      await revokeToken(toChange(context, operator), id, token_id);
      return answer<'revokeToken'>({ status: 'success' });
    }),
  invite: async (context, { operator, parameters: { id = '' }, body }) => {
    const { tier, expires_hours: expiresHours, token_expires_days: tokenExpiresDays } = body;
    const invited = await invite(toChange(context, operator), {
      installationId: id,
      expiresHours: expiresHours ?? CODE_EXPIRES_HOURS,
      ...(tier === undefined ? {} : { tier }),
      ...(tokenExpiresDays === undefined ? {} : { tokenExpiresDays }),
    });
    return answer<'invite'>({ status: 'success', ...invited });
  },
  disableInstallation: (context, { operator, parameters: { id = '' } }) =>
    refuseFailures(NO_INSTALLATION, async () => {
      const { disabled } = await revoke(toChange(context, operator), id, 'installation');
      return answer<'disableInstallation'>({ status: 'success', installation_id: id, disabled });
    }),
  enableInstallation: (context, { operator, parameters: { id = '' } }) =>
    refuseFailures(NO_INSTALLATION, async () => {
      const enabled = await enable(toChange(context, operator), id);
      return answer<'enableInstallation'>({ status: 'success', ...enabled });
    }),
  eraseInstallation: async (context, { operator, parameters: { id = '' }, body }) => {
    if (body.installation_id !== id)
      return refuse('INVALID_FORMAT', `installation_id must repeat the installation ID ${id}`);
    return refuseFailures(NO_INSTALLATION, async () => {
      const erased = await erase(toChange(context, operator), id);
      return answer<'eraseInstallation'>({ status: 'success', ...erased });
    });
  },
  exportInstallation: (context, { operator, parameters: { id = '', format } }) =>
    refuseFailures(NO_INSTALLATION, async () => {
      const change = toChange(context, operator);
      const asked = EXPORT_FORMATS.find((one) => one === format) ?? 'ndjson';
      const end = context.archives.take(operator.actor);
      if (typeof end !== 'function') return end;
      const archive = openArchive(change.wallMs);
      const { ended } = await streamExport(change, id, asked, archive).catch((error: unknown) => {
        end();
        throw error;
      });
      void ended.then(({ failure }) => {
        end();
        if (failure !== undefined)
          context.log.write('warn', 'a data export ended early', {
            installation: id,
            error: failure.message,
          });
      });
      const name = `d3kos-${id}-${new Date(change.wallMs).toISOString().slice(0, 10)}.zip`;
      return {
        kind: 'streamed' as const,
        bytes: archive.bytes,
        headers: { 'Content-Disposition': `attachment; filename="${name}"` },
      };
    }),
  audit: async ({ store }, { parameters }) =>
    answer<'audit'>({
      status: 'success',
      ...(await listEventPage(
        store,
        parameters.scope === 'central' ? NO_INSTALLATION_ID : parameters.installation_id,
        parameters.before,
      )),
    }),
};
