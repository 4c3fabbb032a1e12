import type { JSX } from 'preact';
import type { Overview } from './api.ts';
import { FILTERS, type ListView } from './place.ts';
import type { View } from './view.ts';

const TIERS = ['0', '1', '2', '3'];

/** The list's filters. A filter is shown if boats match it or if it is selected. */
export function Filters(props: {
  readonly view: View;
  readonly list: ListView;
  readonly overview: Overview | undefined;
}): JSX.Element {
  const { view, list, overview } = props;
  const { texts, acts } = view;
  const { say } = texts;
  const counts = overview && { ...overview.counts, all: overview.totals.boats };
  const shown = FILTERS.filter(
    (filter) =>
      filter === 'all' || filter === list.filter || filter === 'late' || (counts?.[filter] ?? 0) > 0,
  );
  return (
    <div class="filters" role="group" aria-label={say('filter.label')}>
      {shown.map((filter) => (
        <button
          key={filter}
          type="button"
          class="act"
          aria-pressed={filter === list.filter}
          onClick={() => acts.showList({ ...list, filter })}
        >
          {say(`filter.${filter}`)}
          {counts !== undefined && <span class="note">{texts.number(counts[filter])}</span>}
        </button>
      ))}
      <div class="choices">
        <Choice
          label={say('filter.version')}
          value={list.version}
          none={say('filter.any')}
          options={(overview?.versions ?? []).map(({ version, boats }) => [
            version,
            say('filter.versionCount', { version, n: boats }),
          ])}
          onChoose={(version) => acts.showList({ ...list, version })}
        />
        <Choice
          label={say('filter.tier')}
          value={list.tier}
          none={say('filter.any')}
          options={TIERS.map((tier) => [tier, say('filter.tierName', { tier })])}
          onChoose={(tier) => acts.showList({ ...list, tier })}
        />
      </div>
    </div>
  );
}

function Choice(props: {
  readonly label: string;
  readonly value: string | undefined;
  /** The label for "no selection", or undefined if a value is always selected. */
  readonly none: string | undefined;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChoose: (value: string | undefined) => void;
}): JSX.Element {
  const { value } = props;
  const isListed = value === undefined || props.options.some(([option]) => option === value);
  const options = isListed ? props.options : [...props.options, [value, value] as const];
  return (
    <label class="choice">
      <span class="note">{props.label}</span>
      <select
        value={value ?? ''}
        onChange={(event) => props.onChoose((event.currentTarget as HTMLSelectElement).value || undefined)}
      >
        {props.none !== undefined && <option value="">{props.none}</option>}
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
