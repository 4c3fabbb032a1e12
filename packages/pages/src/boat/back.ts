/**
 * The d3kOS page that linked to this one, or undefined. A kiosk has no back button of its own. Only a page on another port of the
 * same host counts, because a link to any other page would lead off the boat. A framed page already has the surrounding page's
 * navigation.
 */
export function toBackUrl(referrer: string, here: string, isFramed: boolean): string | undefined {
  if (isFramed || !URL.canParse(referrer)) return undefined;
  const from = new URL(referrer);
  const own = new URL(here);
  const isOfBoat = from.hostname === own.hostname && from.host !== own.host;
  return isOfBoat && /^https?:$/.test(from.protocol) ? from.href : undefined;
}
