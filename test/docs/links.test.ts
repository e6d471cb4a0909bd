// The pages that people read lead where they say: to files that are there, and to headings of theirs.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { deadLinks, pagesIn, problemWith } from './markdown-links.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));

it.each(pagesIn(repository))('%s has no dead link', (page) => {
  expect(deadLinks(repository, page)).toEqual([]);
});

it('would notice a file and a heading that are not there', () => {
  const problem = (link: string) => problemWith(repository, 'README.md', link);
  expect(problem('docs/nowhere.md')).toMatch(/is not there/);
  expect(problem('../nowhere.md')).toMatch(/is not there/);
  expect(problem('CONTRIBUTING.md#nowhere')).toMatch(/has no heading/);
  expect(problem('CONTRIBUTING.md')).toBeUndefined();
});
