// npm start: migrates a busy VM with plain pre-copy, XBZRLE, SHA-1 page by page and the filter, over a link of
// 1 Gbit/s; shows it live, compares them, and writes a report.
import { join } from 'node:path';
import { runExperiment } from './parts/lab.mjs';
import { repository } from './run/cache.mjs';
import { readOptions, runMain } from './run/command-line.mjs';

const usage = `usage: npm start [-- options]
  --out DIRECTORY   where results and report go; default lab-results/start
  --help            this text
Other experiments: npm run fakedirty -- lab run experiments/first.yaml (docs/guides/lab.md).`;

await runMain(usage, () => {
  const { out } = readOptions(usage, { out: { type: 'string' } });
  const here = process.env.INIT_CWD ?? repository;
  return runExperiment({
    file: join(repository, 'experiments', 'start.yaml'),
    results: out === undefined ? join(repository, 'lab-results', 'start') : join(here, out),
    version: '7.2',
    options: ['--passes'],
  });
});
