import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const CSS = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');

/** A theme's colours by token name, without tokens that are not plain colours. */
function readColours(theme: string): ReadonlyMap<string, string> {
  const from = CSS.indexOf(`[data-theme='${theme}'] {`);
  assert.ok(from >= 0, theme);
  const block = CSS.slice(from, CSS.indexOf('\n}', from));
  return new Map(
    [...block.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)].map(([, name = '', hex = '']) => [name, hex]),
  );
}

const toChannels = (hex: string): readonly number[] =>
  [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** Relative luminance, WCAG 2.2. */
function toLuminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = toChannels(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast ratio of two colours according to WCAG 2.2. */
function toContrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [toLuminance(one), toLuminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const BACKGROUNDS = ['paper', 'surface', 'sea', 'land'] as const;
const TONES = ['ok', 'warn', 'bad', 'calm'] as const;
/** Text and its background. */
const TEXTS: readonly (readonly [string, string])[] = [
  ...BACKGROUNDS.flatMap((background) => [['ink', background] as const, ['ink-2', background] as const]),
  ['now', 'paper'],
  ['now', 'surface'],
  ['on-act', 'act'],
  ['on-act', 'act-fill'],
  ...TONES.flatMap((tone) => [[tone, `${tone}-tint`] as const, [tone, 'paper'] as const]),
];
/** Edges of controls and graphics, and their background. */
const GRAPHICS: readonly (readonly [string, string])[] = [
  ...BACKGROUNDS.map((background) => ['line', background] as const),
  ['now', 'sea'],
  ['now', 'land'],
  ['act-edge', 'paper'],
  ['bar', 'paper'],
];
/**
 * Pure red on black has 5.25:1, so night watch cannot have more. Sunlight and dim screens reduce contrast, so the other themes
 * have 7:1.
 */
const THEMES = [
  ['day', 7],
  ['night', 7],
  ['watch', 4.5],
] as const;
const GRAPHIC_MIN = 3;

describe('the colours', () => {
  for (const [theme, textMin] of THEMES)
    test(`of ${theme} have enough contrast for every text and every edge`, () => {
      const colours = readColours(theme);
      const faults = [
        ...TEXTS.map(([text, background]) => [text, background, textMin] as const),
        ...GRAPHICS.map(([edge, background]) => [edge, background, GRAPHIC_MIN] as const),
      ].flatMap(([one, other, min]) => {
        const ratio = toContrast(colours.get(one) ?? '', colours.get(other) ?? '');
        return ratio >= min ? [] : [`${one} on ${other}: ${ratio.toFixed(2)}`];
      });
      assert.deepEqual(faults, []);
    });

  test('of night watch are red only', () => {
    for (const [name, hex] of readColours('watch')) assert.equal(hex.slice(2), '0000', name);
  });
});
