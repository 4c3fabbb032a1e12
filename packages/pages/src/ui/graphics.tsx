import type { JSX } from 'preact';

/** Maximum number of cells in the diagram of parts. If there are more parts, each cell represents several. */
const PART_PLACES_MAX = 24;

/** The parts of an export: held by central, being sent, or still on board. */
export function Parts({
  doneCount,
  partCount,
  label,
}: {
  readonly doneCount: number;
  readonly partCount: number;
  readonly label: string;
}): JSX.Element {
  const places = Math.min(partCount, PART_PLACES_MAX);
  // A cell is filled when central has all of its parts.
  const filled = Math.floor((doneCount / partCount) * places);
  return (
    <div class="parts" role="img" aria-label={label}>
      {Array.from({ length: places }, (_, place) => (
        <i key={place} class={place < filled ? 'is-there' : place === filled ? 'is-now' : ''} />
      ))}
    </div>
  );
}

/** One bar for each value, the last of which is today. A value of 0 is drawn as a stub. */
export function Bars({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}): JSX.Element {
  const max = Math.max(1, ...values);
  return (
    <div class="bars" role="img" aria-label={label}>
      {values.map((value, index) => (
        <i
          key={index}
          class={`${value === 0 ? 'is-none' : ''} ${index === values.length - 1 ? 'is-now' : ''}`}
          style={{ '--v': value / max }}
        />
      ))}
    </div>
  );
}

/** How full the card is: other files, export files, free space, and the reserve. */
export function Gauge(props: {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly exportsBytes: number;
  readonly reserveBytes: number;
  readonly label: string;
}): JSX.Element {
  const share = (size: number): string => `${Math.max(0, (size / Math.max(1, props.totalBytes)) * 100)}%`;
  return (
    <div class="gauge" role="img" aria-label={props.label}>
      <i
        class="is-used"
        style={{ inlineSize: share(props.totalBytes - props.freeBytes - props.exportsBytes) }}
      />
      <i class="is-ours" style={{ inlineSize: share(props.exportsBytes) }} />
      <i class="is-free" />
      <i class="is-kept" style={{ inlineSize: share(Math.min(props.reserveBytes, props.freeBytes)) }} />
    </div>
  );
}

/** The shore at central's end, which moves with central's text. */
export function Shore(): JSX.Element {
  return (
    <svg class="passage__shore" viewBox="0 0 360 200" preserveAspectRatio="none" aria-hidden="true">
      <path
        class="depth"
        d="M92 -10Q87 3 85 9Q83 15 82 21Q81 28 82 34Q82 40 77 46Q72 53 70 59Q67 65 63 71Q59 78 56 84Q54 90 54 96Q55 103 56 109Q57 115 63 121Q69 128 73 134Q77 140 77 146Q76 153 76 159Q76 165 75 171Q75 178 77 192Q79 206 79 206"
      />
      <path
        class="depth"
        d="M126 -10Q107 3 105 9Q102 15 102 21Q101 28 102 34Q102 40 101 46Q100 53 94 59Q88 65 85 71Q82 78 78 84Q74 90 73 96Q72 103 77 109Q82 115 87 121Q92 128 95 134Q98 140 103 146Q107 153 101 159Q95 165 94 171Q94 178 97 192Q100 206 100 206"
      />
      <path class="land" d={`${COAST}H360V-6z`} />
      <path class="coast" d={COAST} />
    </svg>
  );
}

const COAST =
  'M144 -10l2 4 -9 4 -12 5 -8 4 -3 4 7 4 -3 4 0 5 0 4 -2 4 -2 4 0 4 7 4 7 4 0 5 -14 4 -5 4 -7 4 -3 4 2 5 -5 4 -1 4 1 4 1 4 -9 4 -5 4 5 5 4 4 6 4 5 4 1 4 3 5 3 4 1 4 -2 4 8 4 6 4 -3 4 4 5 -1 4 -1 4 -12 4 -6 4 7 5 5 4 0 4 -4 4 6 20';

/** The boat's end of the way. */
export function Fix(): JSX.Element {
  return (
    <svg class="way__fix" viewBox="0 0 26 26" aria-hidden="true">
      <circle cx="13" cy="13" r="10.5" />
      <circle cx="13" cy="13" r="3" fill="currentColor" stroke="none" />
    </svg>
  );
}

/** Central's end of the way, with a tick if central has everything. */
export function Port({ isTicked }: { readonly isTicked: boolean }): JSX.Element {
  return (
    <svg class="way__port" viewBox="0 0 26 26" aria-hidden="true">
      <rect x="2.5" y="2.5" width="21" height="21" rx="2" />
      {isTicked && <path d="M7.5 13.5l4 4 7-8.5" />}
    </svg>
  );
}
