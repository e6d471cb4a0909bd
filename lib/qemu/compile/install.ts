// From a compiled QEMU to one that can be run: its programs, its data, and firmware.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { run as runCommand } from '../../system/processes.js';
import type { Run } from '../../system/step.js';

const targetsSchema = z.array(z.object({ installed: z.boolean(), filename: z.array(z.string()) }));
const notFirmware = /^(Makefile|README|meson\.build|edk2.*|.*\.(dts|nsi|bmp|ico|svg|rsrc))$/;

type Meson = readonly [command: string, ...args: string[]];

/** The Meson that configured the build: a build directory belongs to one version of it. */
export function mesonOf(tree: string, objects: string): Meson {
  const [ours, bundled] = [join(objects, 'pyvenv/bin/meson'), join(tree, 'meson/meson.py')];
  if (existsSync(ours)) return [ours];
  return existsSync(bundled) ? ['python3', bundled] : ['meson'];
}

/** What has to be built to be installed: a third of all that could be built, the rest being tests. */
export async function installedFiles([command, ...args]: Meson, objects: string) {
  const introspect = [...args, 'introspect', '--targets', objects];
  const { stdout } = await runCommand(command, introspect);
  return targetsSchema
    .parse(JSON.parse(stdout))
    .filter(({ installed }) => installed)
    .flatMap(({ filename }) => filename.map((file) => relative(objects, file)));
}

export async function install(meson: Meson, objects: string, root: string, run: Run) {
  const [command, ...args] = meson;
  await run(command, [...args, 'install', '-C', objects, '--no-rebuild', '--destdir', root]);
}

/** The binaries that a release brings along. */
export function copyFirmware(tree: string, data: string): void {
  const source = join(tree, 'pc-bios');
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    if (entry.isFile() && !notFirmware.test(entry.name)) {
      cpSync(join(source, entry.name), join(data, entry.name));
    }
  }
}

/** Small programs that a guest's kernel is booted with; built here where the source has no binaries. */
export async function buildOptionRoms(tree: string, data: string, run: Run): Promise<void> {
  const source = join(tree, 'pc-bios', 'optionrom');
  if (existsSync(join(tree, 'pc-bios', 'kvmvapic.bin')) || !existsSync(source)) return;
  const work = join(tree, 'build-optionrom');
  mkdirSync(work);
  // QEMU's configure writes its settings there, if it knows a compiler for 32 bits.
  writeFileSync(join(work, 'config.mak'), '');
  const variables = [`TOPSRC_DIR=${tree}`, 'CC=cc', 'OBJCOPY=objcopy', 'PYTHON=python3'];
  await run('make', ['-C', work, '-f', join(source, 'Makefile'), ...variables, 'all']);
  for (const name of readdirSync(work).filter((file) => file.endsWith('.bin'))) {
    cpSync(join(work, name), join(data, name));
  }
}
