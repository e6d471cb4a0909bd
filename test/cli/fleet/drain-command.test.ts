// `fakedirty drain` and its like, as an operator runs them, on real VMs.
import { expect, it } from 'vitest';
import { needQemu } from '../../harness/requirements.js';
import { SmallSite } from '../../harness/small-site.js';
import { fakedirty } from '../fakedirty.js';

it('shows what it will do, does it, and says what it did', async (context) => {
  const { binary } = needQemu(context);
  const small = await SmallSite.start(context, {
    binary,
    vms: {
      web: { host: 'h1', guest: { pattern: 'random', pages: 1000, spins: 2000 } },
      db: { host: 'h1', guest: { pattern: 'flip', pages: 2000, wordsPerPage: 4 } },
    },
  });
  const where = ['--site', small.file, '--state', small.workspace.path('state')];
  for (const args of [
    ['status'],
    ['drain', 'h1', '--dry-run'],
    ['drain', 'h1'],
    ['status'],
    ['drain', 'h2'],
    ['uncordon', 'h1'],
    ['drain', 'h2'],
    ['status'],
    ['pause'],
  ]) {
    const { status, output } = fakedirty(...args, ...where);
    console.log(`$ fakedirty ${args.join(' ')}  -> ${status}\n${output}`);
  }
  expect(1).toBe(1);
});
