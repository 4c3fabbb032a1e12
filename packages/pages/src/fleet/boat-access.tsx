import type { JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import type { BoatDetails, Token } from './api.ts';
import { Events } from './events.tsx';
import { toDuration, toSeconds } from './format.ts';
import { type OpenBoat, isAdmin } from './state.ts';
import type { View } from './view.ts';

interface Part {
  readonly boat: OpenBoat;
  readonly details: BoatDetails;
  readonly view: View;
}

/** The changes that an admin can make to a boat, and the boat's tokens and events. Viewers do not see this section. */
export function Access({ boat, details, view }: Part): JSX.Element | null {
  const { texts, acts } = view;
  const { say } = texts;
  if (!isAdmin(view.state)) return null;
  const { installationId } = boat;
  const isDisabled = details.boat.state === 'disabled';
  const ask = (kind: 'issueToken' | 'invite' | 'disable' | 'enable' | 'erase') => (): void =>
    acts.askChange({ kind, installationId });
  return (
    <>
      <section class="panel access">
        <h2>
          {say('access.title')}
          <span class="note">{say('access.tokens', { n: details.live_tokens })}</span>
        </h2>
        {boat.tokens === undefined ? (
          <p class="note">{say('page.loading')}</p>
        ) : (
          <TokenList
            tokens={boat.tokens.tokens}
            now={details.as_of}
            installationId={installationId}
            view={view}
          />
        )}
        <div class="filters">
          <Act onPress={ask('invite')}>{say('change.invite')}</Act>
          <Act onPress={ask('issueToken')}>{say('change.issueToken')}</Act>
          {isDisabled ? (
            <Act onPress={ask('enable')}>{say('change.enable')}</Act>
          ) : (
            <Act look="bad" onPress={ask('disable')}>
              {say('change.disable')}
            </Act>
          )}
          <Act look="bad" onPress={ask('erase')}>
            {say('change.erase')}
          </Act>
        </div>
      </section>
      <Events title={say('events.title')} audit={boat.audit} view={view} showOlder={acts.showOlderEvents} />
    </>
  );
}

interface TokensPart {
  readonly tokens: readonly Token[];
  readonly now: string;
  readonly installationId: string;
  readonly view: View;
}

/** True if a token is no longer valid, because it was revoked or has expired. */
function hasEnded({ revoked_at: revoked, expires_at: expires }: Token, now: string): boolean {
  return revoked !== null || (expires !== null && toSeconds(expires, now) >= 0);
}

/** The active tokens, followed by those that are no longer valid. */
function TokenList(props: TokensPart): JSX.Element {
  const { tokens, now, view } = props;
  const { say } = view.texts;
  const ended = tokens.filter((token) => hasEnded(token, now));
  const live = tokens.filter((token) => !hasEnded(token, now));
  return (
    <>
      {live.length === 0 && <p class="note">{say('access.noToken')}</p>}
      <ul class="rows">
        {live.map((token) => (
          <TokenRow key={token.token_id} token={token} {...props} />
        ))}
      </ul>
      {ended.length > 0 && (
        <details class="ended">
          <summary>{say('access.ended', { n: ended.length })}</summary>
          <ul class="rows">
            {ended.map((token) => (
              <TokenRow key={token.token_id} token={token} {...props} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function TokenRow({ token, now, installationId, view }: TokensPart & { readonly token: Token }): JSX.Element {
  const { texts, acts } = view;
  const { say, moment, day, locale } = texts;
  const { token_id: tokenId, issued_at: issued, last_used_at: used } = token;
  const { expires_at: expires, revoked_at: revoked } = token;
  const ask = (kind: 'rotateToken' | 'revokeToken') => (): void =>
    acts.askChange({ kind, installationId, tokenId });
  return (
    <li>
      <div>
        <bdi class="id" dir="ltr">
          {tokenId}
        </bdi>
        <p class="note">
          {say('token.issued', {
            duration: toDuration(toSeconds(issued, now), locale),
            day: day(issued, now),
          })}
          {' · '}
          {used === null ? say('token.unused') : say('token.used', { moment: moment(used, now) })}
        </p>
        <p class="note">{toEnd(revoked, expires, now, view)}</p>
      </div>
      {!hasEnded(token, now) && (
        <div class="rows__acts">
          <Act label={`${say('change.rotateToken')} ${tokenId}`} onPress={ask('rotateToken')}>
            {say('token.rotate')}
          </Act>
          <Act look="bad" label={`${say('change.revokeToken')} ${tokenId}`} onPress={ask('revokeToken')}>
            {say('token.revoke')}
          </Act>
        </div>
      )}
    </li>
  );
}

function toEnd(revoked: string | null, expires: string | null, now: string, { texts }: View): string {
  const { say, moment } = texts;
  if (revoked !== null) return say('token.revoked', { moment: moment(revoked, now) });
  if (expires === null) return say('token.lasts');
  return say(toSeconds(expires, now) >= 0 ? 'token.expired' : 'token.expires', {
    moment: moment(expires, now),
  });
}
