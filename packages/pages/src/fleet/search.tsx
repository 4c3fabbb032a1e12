import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../ui/icons.tsx';
import { WHOLE_FLEET } from './place.ts';
import type { View } from './view.ts';

/** Delay between the last keystroke and the search. */
const SEARCH_AFTER_MS = 300;

/**
 * The search field. While the operator types, it shows the typed text, even if the list's search is older or lacks the spaces at
 * the end. If the list changes for another reason, it shows the list's search.
 */
export function Search({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { place } = state;
  const list = place.kind === 'fleet' ? place.view : WHOLE_FLEET;
  const [text, setText] = useState(list.search ?? '');
  /** The displayed list. Its order may change between a keystroke and the search. */
  const shown = useRef(list);
  shown.current = list;
  /** The search that the field or the address determined last. */
  const known = useRef(list.search);
  const planned = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(planned.current), []);
  useLayoutEffect(() => {
    // The list follows the field, or only its filter has changed.
    if (place.kind === 'fleet' && list.search === known.current) return;
    clearTimeout(planned.current);
    known.current = list.search;
    setText(list.search ?? '');
  }, [place]);
  const search = (typed: string): void => {
    setText(typed);
    clearTimeout(planned.current);
    planned.current = setTimeout(() => {
      known.current = typed.trim() || undefined;
      acts.showList({ ...shown.current, filter: 'all', search: known.current });
    }, SEARCH_AFTER_MS);
  };
  return (
    <label class="field">
      <Icon name="search" />
      <span class="hush">{say('search.label')}</span>
      <input
        type="search"
        maxLength={80}
        placeholder={say('search.hint')}
        value={text}
        onInput={(event) => search((event.currentTarget as HTMLInputElement).value)}
      />
    </label>
  );
}
