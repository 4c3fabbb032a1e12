/**
 * The page of d3kOS that linked to this one, or undefined. A kiosk has no control of its own to go back. Only a page of the same
 * host on another port counts, because a link to a page elsewhere would lead off the boat. A framed page has the frame's page
 * around it.
 */
export function toBackUrl(referrer: string, here: string, isFramed: boolean): string | undefined {
  if (isFramed || !URL.canParse(referrer)) return undefined;
  const from = new URL(referrer);
  const own = new URL(here);
  const isOfBoat = from.hostname === own.hostname && from.host !== own.host;
  return isOfBoat && /^https?:$/.test(from.protocol) ? from.href : undefined;
}
