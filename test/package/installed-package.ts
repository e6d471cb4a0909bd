// The package as users get it: packed, and installed in an empty project without install scripts.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';

export const run = promisify(execFile);
export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What npm passes on to its children would make them look elsewhere. */
export const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^FAKEDIRTY_/i.test(name)),
);

interface InstalledPackage {
  /** The folder of a project that has it, and nothing else. */
  readonly project: string;
  /** The package's own folder there. */
  readonly installed: string;
}

async function install(project: string): Promise<void> {
  // --ignore-scripts: what is packed was built by the steps before this one.
  const pack = ['pack', '--ignore-scripts', '--pack-destination', project];
  await run('npm', pack, { cwd: repository, env });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const words = ['install', ...quiet, '--prefer-offline', `./${tarball}`];
  await run('npm', words, { cwd: project, env });
}

/** Installs it before all tests of a file, which may write to the project: it is theirs, and goes when they have ended. */
export function installedPackage(): InstalledPackage {
  const project = mkdtempSync(join(tmpdir(), 'fakedirty-package-'));
  beforeAll(() => install(project), 300_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }), 60_000);
  return { project, installed: join(project, 'node_modules', 'fakedirty') };
}
