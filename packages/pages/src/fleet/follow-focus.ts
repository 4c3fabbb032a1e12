import { useEffect, useRef } from 'preact/hooks';
import { type Place, toBoatAddress } from './place.ts';

/** Elements that lose the focus when another view opens: the page itself, and the link that opened the view. */
const GIVES_UP = 'body, a';

/**
 * Moves the focus once another view has been read: to the view's content or, back in the list, to the boat that was open.
 * Keyboard and screen reader then continue there instead of at the start of the page. If the focus is in a field or a dialog, it
 * stays there.
 */
export function useFollowFocus(place: Place, isReady: boolean): void {
  const shown = useRef(place);
  useEffect(() => {
    const former = shown.current;
    if (!isReady || toKey(place) === toKey(former)) return;
    shown.current = place;
    if (document.activeElement?.matches(GIVES_UP) === false) return;
    const row = former.kind === 'boat' ? toBoatAddress(former.installationId) : undefined;
    const target =
      document.querySelector<HTMLElement>(`.boats a[href="${row ?? ''}"]`) ??
      document.querySelector<HTMLElement>('main');
    target?.focus();
  }, [place, isReady]);
}

/** Lists with different filters are the same view. */
function toKey(place: Place): string {
  return place.kind === 'boat' ? place.installationId : place.kind;
}
