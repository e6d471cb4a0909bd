// How the test command goes on: it does what is needed for what was chosen, and all that does not need what failed.
import { expect, it } from 'vitest';
import { onePass, Tally } from '../../scripts/results.js';
import { perform, select, type Work } from '../../scripts/test.js';

function pieces(done: string[], failing?: string): Work[] {
  const piece = (name: string, needs: string[], more: Partial<Work> = {}): Work => ({
    name,
    needs,
    work: () => {
      done.push(name);
      return name === failing ? Promise.reject(new Error('broken')) : Promise.resolve();
    },
    ...more,
  });
  return [
    piece('set up', []),
    piece('build', ['set up'], { part: 'release', counts: true }),
    piece('test', ['build'], {
      part: 'vitest',
      work: () => Promise.resolve(Tally.of([onePass('one'), onePass('two')])),
    }),
    piece('lint', [], { part: 'lint', counts: true }),
  ];
}

it('does what was chosen and what that needs, in order', async () => {
  const done: string[] = [];
  const work = select(pieces(done), new Set(['vitest']));
  expect(work.map(({ name }) => name)).toEqual(['set up', 'build', 'test']);
  expect((await perform(work, () => {})).summary).toBe('3 passed, 0 failed, 0 skipped');
  expect(done).toEqual(['set up', 'build']);
});

it('counts as failed what failed and what needed it, and does the rest', async () => {
  const done: string[] = [];
  const said: string[] = [];
  const total = await perform(pieces(done, 'build'), (line) => said.push(line));
  expect(total.summary).toBe('1 passed, 2 failed, 0 skipped');
  expect(done).toEqual(['set up', 'build', 'lint']);
  expect(said).toContain('test: FAILED, because "build" failed');
});
