import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { en } from './en.ts';
import { CATALOGUES } from './catalogues.ts';
import { FLEET_CATALOGUES } from './fleet-catalogues.ts';
import { fleetEn } from './fleet-en.ts';
import { chooseLanguage, LANGUAGES } from './languages.ts';
import { createDayNumbers, createTexts } from './texts.ts';

/** Longest name of a place. A longer one does not fit the narrow tabs of a phone. */
const PLACE_LENGTH_MAX = 9;

/** Numbers of exports and records. Every plural form that a boat needs is used by one of them. */
const SAMPLES = Array.from({ length: 200 }, (_, n) => n);

const toForms = (text: Forms): readonly (readonly [string, string])[] =>
  typeof text === 'string' ? [['', text]] : Object.entries(text);
const toPlaceholders = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name))].toSorted();

type Forms = string | Readonly<Record<string, string>>;
/** The texts of the two pages: the English ones, and those of every language. */
const PAGES: Readonly<
  Record<string, readonly [Readonly<Record<string, Forms>>, Readonly<Record<string, object>>]>
> = {
  boat: [en, CATALOGUES],
  fleet: [fleetEn, FLEET_CATALOGUES],
};

/** The source of both pages, without the texts themselves. */
function readSource(): string {
  const root = join(import.meta.dirname, '..');
  const names = ['boat', 'fleet', 'ui', 'i18n'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
  const files = names.filter((name) => /\.tsx?$/.test(name) && !/(?:test|en)\.ts$/.test(name));
  return files.map((name) => readFileSync(name, 'utf8')).join('\n');
}

const source = readSource();
for (const [page, [englishTexts]] of Object.entries(PAGES))
  test(`every text of the ${page} page is used, by its key or by a key that is put together`, () => {
    const isUsed = (key: string): boolean =>
      source.includes(`'${key}'`) ||
      [...key.matchAll(/\./g)].some(({ index }) => source.includes(`\`${key.slice(0, index + 1)}\${`));
    const unused = Object.keys(englishTexts).filter((key) => !isUsed(key));
    assert.deepEqual(unused, []);
  });

for (const [page, [englishTexts, catalogues]] of Object.entries(PAGES))
  for (const language of Object.keys(LANGUAGES))
    describe(`the texts of the ${page} page in ${language}`, () => {
      const catalogue = catalogues[language] as Readonly<Record<string, Forms>>;
      const rules = new Intl.PluralRules(language);
      const plurals = rules.resolvedOptions().pluralCategories;

      for (const [key, english] of Object.entries(englishTexts))
        test(`${key} has the values and the plural forms that it needs`, () => {
          const text = catalogue[key] ?? '';
          assert.equal(typeof text, typeof english);
          const forms = toForms(text);
          const wanted = toPlaceholders(typeof english === 'string' ? english : (english['other'] ?? ''));
          for (const [form, one] of forms) {
            assert.ok(one.trim().length > 0);
            const found = toPlaceholders(one);
            // A form for only 0, 1 or 2 may spell the number out. In some languages the form for 1 is also the one for 21.
            const isInWords = SAMPLES.every((n) => n <= 2 || rules.select(n) !== form);
            const missing = wanted.filter((name) => !found.includes(name) && !(isInWords && name === 'n'));
            assert.deepEqual([missing, found.filter((name) => !wanted.includes(name))], [[], []], one);
          }
          if (typeof english === 'string') return assert.equal(forms.length, 1);
          // Languages such as French have a separate form for millions, which is the same as `other` here.
          const needed = plurals.filter((form) => SAMPLES.some((n) => rules.select(n) === form));
          for (const form of needed)
            assert.ok(
              forms.some(([name]) => name === form),
              form,
            );
          // An unused form is probably a misspelt one.
          for (const [form] of forms) assert.ok(form === 'other' || needed.some((one) => one === form), form);
        });

      test('there is no other text', () => {
        assert.deepEqual(Object.keys(catalogue).toSorted(), Object.keys(englishTexts).toSorted());
      });
    });

for (const [language, catalogue] of Object.entries(CATALOGUES))
  describe(`the places in ${language}`, () => {
    test('have short names', () => {
      for (const key of [
        'place.now',
        'place.waiting',
        'place.history',
        'place.files',
        'place.display',
      ] as const)
        assert.ok(String(catalogue[key]).length <= PLACE_LENGTH_MAX, String(catalogue[key]));
    });
  });

describe('formats', () => {
  const texts = createTexts('en', en, 'Asia/Kolkata');
  const now = '2026-07-14T20:00:00Z';

  test('a day is named from the calendar of the boat', () => {
    // It is already 15 July in Kolkata.
    assert.equal(texts.moment('2026-07-14T18:31:00Z', now), '00:01 today');
    assert.equal(texts.moment('2026-07-14T18:29:00Z', now), '23:59 yesterday');
    assert.equal(texts.moment('2026-07-16T03:00:00Z', now), '08:30 tomorrow');
    assert.equal(texts.moment('2026-07-01T03:00:00Z', now), '1 Jul, 08:30');
    assert.match(texts.day('2024-07-01T03:00:00Z', now), /2024/);
  });
  test('a size has at most three digits and stays on one line', () => {
    assert.equal(texts.bytes(0), '0\u00a0bytes');
    assert.equal(texts.bytes(98_765), '98.8\u00a0kB');
    assert.equal(texts.bytes(21_400_000_000), '21.4\u00a0GB');
  });
  test('numbers in texts are formatted, and text values are not', () => {
    assert.equal(texts.say('history.records', { n: 12_345 }), '12,345 records');
    assert.equal(texts.say('history.records', { n: 1 }), '1 record');
    assert.equal(texts.say('seen', { detail: '{n} 12345' }), 'Details: {n} 12345');
  });
  test('an unknown time zone counts as UTC', () => {
    assert.equal(createTexts('en', en, '<b>').clock(now), '20:00');
    assert.equal(createDayNumbers('<b>')(now), Date.UTC(2026, 6, 14) / 86_400_000);
  });
  test('a language that is written from right to left turns the page', () => {
    assert.equal(createTexts('ar', en, 'UTC').direction, 'rtl');
    assert.equal(
      createTexts('ar', en, 'UTC').say('view.total', { name: 'a.json', size: '9 kB' }),
      '\u2068a.json\u2069, \u20689 kB\u2069',
    );
    assert.equal(texts.direction, 'ltr');
  });
  test('the first wanted language that exists is chosen', () => {
    assert.equal(chooseLanguage([null, undefined, 'xx', 'de-CH', 'en']), 'de');
    assert.equal(chooseLanguage(['constructor', '__proto__']), 'en');
    assert.equal(chooseLanguage(['nb-NO']), 'no');
    assert.equal(Object.keys(LANGUAGES).length, 18);
  });
});
