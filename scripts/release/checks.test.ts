import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Checkout, findObstacles, toChangelogSection } from './checks.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

## [1.2.0] - 2026-06-01

### Added
- A thing.

## [1.1.0] - 2026-01-01
`;
const READY: Checkout = {
  packageVersion: '1.2.0',
  changelog: CHANGELOG,
  status: '',
  commit: 'a'.repeat(40),
  taggedCommit: undefined,
};

test('a clean checkout with an entry in the changelog can be released, and released again', () => {
  assert.deepEqual(findObstacles('1.2.0', READY), []);
  assert.deepEqual(findObstacles('1.2.0', { ...READY, taggedCommit: READY.commit }), []);
});

test('reports every obstacle and what to do about it', () => {
  const cases: readonly (readonly [version: string, change: Partial<Checkout>, message: RegExp])[] = [
    ['next', { packageVersion: 'next' }, /next is not a version/],
    ['1.2.0', { packageVersion: '1.1.0' }, /npm version --no-git-tag-version 1\.2\.0/],
    ['1.2.0', { changelog: CHANGELOG.replace('- A thing.', '') }, /no section/],
    ['1.2.0', { changelog: CHANGELOG.replace(' - 2026-06-01', '') }, /no section/],
    ['1.2.0', { status: ' M README.md\n' }, /not committed[^]* M README\.md$/],
    ['1.2.0', { taggedCommit: 'b'.repeat(40) }, /Choose a new version/],
  ];
  for (const [version, change, message] of cases)
    assert.match(findObstacles(version, { ...READY, ...change }).join('\n'), message);
});

test('a section ends at the next version', () => {
  assert.equal(toChangelogSection('1.2.0', CHANGELOG), '### Added\n- A thing.');
  assert.equal(toChangelogSection('1.1.0', CHANGELOG), undefined, 'it has no entry');
  assert.equal(toChangelogSection('1.2', CHANGELOG), undefined);
});
