import type { TextKey, Texts } from '../i18n/texts.ts';
import type { BlockedCause, Situation } from './situation.ts';
import type { PageState } from './state.ts';
import type { Words } from './words.ts';

/** The statement while central does not accept this boat, and the steps that resolve the block. */
export function toBlockedWords(
  { cause }: Extract<Situation, { readonly kind: 'blocked' }>,
  { status }: PageState,
  { say }: Texts,
): Words {
  const id = status?.installation_id ?? say('page.missing');
  const [title, says] = BLOCKED_TEXTS[cause];
  const enrol = [say('blocked.step.enrol', { id }), say('blocked.step.code'), say('blocked.step.token')];
  const steps: Readonly<Record<BlockedCause, readonly string[]>> = {
    token: enrol,
    no_token: enrol,
    other_boat: enrol,
    token_file: enrol,
    disabled: [say('blocked.step.operator', { id }), say('blocked.step.check')],
    address: [say('blocked.step.address'), say('blocked.step.check')],
    no_address: [say('blocked.step.setAddress')],
    other: [say('blocked.step.operator', { id }), say('blocked.step.check')],
  };
  return {
    tone: 'bad',
    mark: 'refused',
    title: say(title),
    says: say(says),
    steps: steps[cause],
    ...(ENDED_BY_ENROLMENT.includes(cause)
      ? { main: { act: 'enrol', label: say('act.enrol'), doneShare: undefined } }
      : {}),
  };
}

/** The causes of a block that can be resolved by enrolling the boat. */
const ENDED_BY_ENROLMENT: readonly BlockedCause[] = ['token', 'other_boat', 'token_file', 'no_token'];

const BLOCKED_TEXTS = {
  token: ['blocked.401.title', 'blocked.401.says'],
  no_token: ['blocked.noToken.title', 'blocked.noToken.says'],
  token_file: ['blocked.tokenFile.title', 'blocked.tokenFile.says'],
  other_boat: ['blocked.mismatch.title', 'blocked.mismatch.says'],
  disabled: ['blocked.disabled.title', 'blocked.disabled.says'],
  address: ['blocked.address.title', 'blocked.address.says'],
  no_address: ['blocked.noAddress.title', 'blocked.noAddress.says'],
  other: ['blocked.title', 'blocked.says'],
} as const satisfies Readonly<Record<BlockedCause, readonly [TextKey, TextKey]>>;
