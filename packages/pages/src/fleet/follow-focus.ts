import { useEffect, useRef } from 'preact/hooks';
import { type Place, toBoatAddress } from './place.ts';

/** Elements that give up the focus when another view opens: the page itself, and the link that opened the view. */
const GIVES_UP = 'body, a';

/**
 * Moves the focus when another view has been read: to the content of the view, or, back in the list, to the boat that was open.
 * Keyboard and screen reader then continue there instead of at the start of the page. A focus in a field or a dialog stays.
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
