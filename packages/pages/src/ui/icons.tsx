import type { ComponentChildren, JSX } from 'preact';

/** What a tone expresses in addition to the text: done, quiet, in progress, needs attention, refused. */
export type Tone = 'ok' | 'calm' | 'now' | 'warn' | 'bad';

/** The marks of states. Each has a distinct silhouette, so that it can be recognised without colour. */
const MARKS = {
  synced: (
    <>
      <circle cx="24" cy="24" r="20" />
      <path d="M14.5 25l6.5 6.5 12.5-14.5" />
    </>
  ),
  sending: (
    <>
      <circle cx="24" cy="24" r="20" />
      <path d="M13 24h21M26 15.5l8.5 8.5-8.5 8.5" />
    </>
  ),
  collecting: (
    <>
      <circle cx="24" cy="24" r="20" />
      <path d="M15 17.5h18M15 24h18M15 30.5h10" />
    </>
  ),
  online: (
    <>
      <circle cx="24" cy="24" r="20" />
      <circle cx="24" cy="24" r="6" fill="currentColor" />
    </>
  ),
  offline: <path d="M5 17.5A20 20 0 0 1 43 17.5M43 30.5A20 20 0 0 1 5 30.5M17 24h14" />,
  login: (
    <>
      <rect x="6" y="6" width="36" height="36" rx="4" />
      <circle cx="24" cy="20" r="5" />
      <path d="M24 25v9.5" />
    </>
  ),
  clock: <path d="M7.6 12.6A20 20 0 1 1 4.4 27.5M6 4.5v9.5h9.5M24 13v12l7.5 4.5" />,
  busy: (
    <>
      <circle cx="24" cy="24" r="20" />
      <path d="M19 16v16M29 16v16" stroke-width="4.5" />
    </>
  ),
  refused: (
    <>
      <path d="M16 4.5h16l11.5 11.5v16L32 43.5H16L4.5 32V16z" />
      <path d="M14.5 24h19" stroke-width="5" />
    </>
  ),
  unknown: (
    <>
      <circle cx="24" cy="24" r="20" stroke-dasharray="4.5 6" />
      <path d="M19 19.5a5 5 0 1 1 7.3 4.4c-1.7.9-2.3 1.9-2.3 3.6M24 33.5v.2" />
    </>
  ),
  none: (
    <>
      <circle cx="24" cy="24" r="20" />
      <ellipse cx="24" cy="24" rx="6.5" ry="9.5" />
    </>
  ),
  card: (
    <path d="M12 4.5h17l9 9V41a2.5 2.5 0 0 1-2.5 2.5h-23A2.5 2.5 0 0 1 10 41V7a2.5 2.5 0 0 1 2-2.5zM17 12v6M24 12v6M17 27h14M17 34h14" />
  ),
  failed: (
    <>
      <path d="M24 3.5L44.5 24 24 44.5 3.5 24z" />
      <path d="M18 18l12 12M30 18L18 30" />
    </>
  ),
  copied: (
    <>
      <rect x="4.5" y="14.5" width="26" height="29" rx="3" />
      <path d="M18 8.5v-1a3 3 0 0 1 3-3h19.5a3 3 0 0 1 3 3V31a3 3 0 0 1-3 3h-4" />
    </>
  ),
  gone: <path d="M17 4.5V15M31 4.5V15M10.5 15h27v6a13.5 13.5 0 0 1-27 0zM24 34.5v9" />,
  waiting: (
    <path d="M6 27v12a2.5 2.5 0 0 0 2.5 2.5h31A2.5 2.5 0 0 0 42 39V27M6 27h10.5l3.5 5.5h8l3.5-5.5H42M24 5v15M17 14l7 7 7-7" />
  ),
  late: (
    <>
      <circle cx="24" cy="24" r="20" />
      <path d="M24 12v13l8 5" />
    </>
  ),
  gap: (
    <>
      <path d="M3 15v18M45 15v18M3 24h10M35 24h10" />
      <rect x="17" y="15" width="14" height="18" stroke-dasharray="4 4.5" />
    </>
  ),
  rest: <path d="M40 29.5A17.5 17.5 0 1 1 22.5 7a14 14 0 0 0 17.5 22.5z" />,
} as const satisfies Readonly<Record<string, JSX.Element>>;

/** The icons for places and controls. */
const ICONS = {
  now: (
    <>
      <circle cx="24" cy="24" r="14" />
      <circle cx="24" cy="24" r="4" fill="currentColor" />
      <path d="M24 3.5V10M24 38v6.5M3.5 24H10M38 24h6.5" />
    </>
  ),
  history: <path d="M9 5.5h27a3 3 0 0 1 3 3v31a3 3 0 0 1-3 3H9zM9 5.5v37M17 15h14M17 24h14M17 33h8" />,
  files: <path d="M11 4.5h17l9.5 9.5v29.5H11zM28 4.5V14h9.5" />,
  display: (
    <>
      <circle cx="24" cy="24" r="18" />
      <path d="M24 6a18 18 0 0 1 0 36z" fill="currentColor" />
    </>
  ),
  day: (
    <>
      <circle cx="24" cy="24" r="9" />
      <path d="M24 4v5M24 39v5M4 24h5M39 24h5M9.9 9.9l3.5 3.5M34.6 34.6l3.5 3.5M9.9 38.1l3.5-3.5M34.6 13.4l3.5-3.5" />
    </>
  ),
  night: <path d="M40 29.5A17.5 17.5 0 1 1 22.5 7a14 14 0 0 0 17.5 22.5z" />,
  send: <path d="M8 41h32M24 32V7M13 18L24 7l11 11" />,
  look: (
    <>
      <path d="M3.5 24S11 10.5 24 10.5 44.5 24 44.5 24 37 37.5 24 37.5 3.5 24 3.5 24z" />
      <circle cx="24" cy="24" r="6" />
    </>
  ),
  download: <path d="M24 6v24M14 20.5L24 30.5l10-10M8 41h32" />,
  retry: <path d="M42 24a18 18 0 1 1-5.3-12.7M38 3v9.5h-9.5" />,
  stop: <path d="M11 11l26 26M37 11L11 37" />,
  clear: <path d="M7 12.5h34M18 12.5V6h12v6.5M11.5 12.5L14 43h20l2.5-30.5M20 21l.8 14M28 21l-.8 14" />,
  search: (
    <>
      <circle cx="21" cy="21" r="14" />
      <path d="M31.5 31.5L43 43" />
    </>
  ),
  back: <path d="M30 8L14 24l16 16" />,
  open: <path d="M11 18l13 13 13-13" />,
} as const satisfies Readonly<Record<string, JSX.Element>>;

export type MarkName = keyof typeof MARKS;
export type IconName = MarkName | keyof typeof ICONS;

/** The names of all marks and of all other icons, for the gallery. */
// Object.keys returns string[], but the keys are exactly the names.
export const MARK_NAMES = Object.keys(MARKS) as readonly MarkName[];
export const ICON_NAMES = Object.keys(ICONS) as readonly (keyof typeof ICONS)[];

const DRAWINGS: Readonly<Record<IconName, ComponentChildren>> = { ...MARKS, ...ICONS };

/** Marks that mean "forward". Their direction follows the writing direction. */
const TURNING: readonly IconName[] = ['sending', 'back'];

/** A mark or an icon. It is only decorative: the text beside it carries the meaning. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg viewBox="0 0 48 48" aria-hidden="true" class={TURNING.includes(name) ? 'turns' : ''}>
      {DRAWINGS[name]}
    </svg>
  );
}
