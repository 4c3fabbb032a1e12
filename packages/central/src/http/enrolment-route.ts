import { parseEnrolmentCode } from '@d3kos/protocol';
import { redeem } from '../installations/codes.ts';
import type { AppContext } from './context.ts';
import { answer, type Reply, refuse } from './reply.ts';
import type { RouteRequest } from './route-request.ts';

/**
 * Redeems an enrolment code. R96: "Central MUST limit the number of invalid codes that one address may present." Refused codes
 * and refused tokens share one limit, because both are guesses at a secret.
 */
export async function handleEnrolment(
  { store, wall, guard }: AppContext,
  { body, sender }: RouteRequest<'redeemCode'>,
): Promise<Reply<'redeemCode'>> {
  const code = parseEnrolmentCode(body.code);
  // Text that is not a code is probably a typing error, but it counts too, because otherwise the format of codes could be probed
  // without limit.
  const presented = code ?? body.code;
  if (!guard.mayPresent(sender, presented))
    return refuse('TOO_MANY_REQUESTS', 'too many refused credentials came from this address');
  const redemption = await redeem(store, { code, request: body, address: sender.address }, wall());
  switch (redemption.kind) {
    case 'invalid':
      await guard.noteInvalid(sender, presented, undefined);
      // The message is the same for every reason, so that a guess reveals nothing.
      return refuse('INVALID_CODE', 'the code is unknown, used or expired; ask the operator for a new one');
    case 'disabled':
      await guard.noteRefused(sender, redemption.installationId, 'INSTALLATION_DISABLED');
      return refuse('INSTALLATION_DISABLED', 'the operator disabled this installation');
    case 'mismatch':
      return refuse('INSTALLATION_MISMATCH', `the code is for installation ${redemption.installationId}`);
    case 'redeemed':
      return answer<'redeemCode'>(redemption.enrolment);
  }
}
