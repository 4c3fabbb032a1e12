import type { JSX } from 'preact';
import { Icon } from '../ui/icons.tsx';
import { CATEGORIES, toCategoryName } from './statement.ts';
import type { View } from './view.ts';

/** Shows which categories of an export have been read. The export manager reports a category once it has read it. */
export function Collecting({ view: { state, texts } }: { readonly view: View }): JSX.Element {
  const { say } = texts;
  return (
    <ul class="collecting">
      {CATEGORIES.map((category) => {
        const read = state.collecting.find((one) => one.category === category);
        return (
          <li key={category} data-tone={read === undefined ? 'calm' : 'ok'}>
            {read === undefined ? <i /> : <Icon name="synced" />}
            <span>{toCategoryName(category, texts)}</span>
            <b>{read === undefined ? say('page.missing') : texts.number(read.count)}</b>
          </li>
        );
      })}
    </ul>
  );
}
