// npm run fakedirty -- ...: the command line from a checkout, built first if its sources are newer.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildTypescriptIfStale } from './parts/typescript.mjs';
import { repository } from './run/cache.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';

await ensureNodeModules();
await buildTypescriptIfStale();
const main = join(repository, 'dist', 'cli', 'main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
