// What the image of a guest has to hold so that a workload runs in it.
import { basename } from 'node:path';
import { type GuestFile, withLibraries } from '../guest/debian/libraries.js';
import { type Log, unpackedPackages } from '../guest/debian/packages.js';
import { guestSource } from '../guest/programs.js';
import type { Workload } from './workload.js';

/** Programs to compile, and files to copy into the guest. */
export interface GuestContents {
  readonly programs: readonly string[];
  readonly files: readonly GuestFile[];
}

/** Fetches the packages of the workloads if need be. */
export async function contentsFor(
  workloads: readonly Workload[],
  log?: Log,
): Promise<GuestContents> {
  const files = new Map<string, GuestFile>();
  for (const { packaged, scripts = [] } of workloads) {
    for (const script of scripts) {
      const path = `share/${basename(script)}`;
      files.set(path, { path, from: guestSource(script) });
    }
    if (!packaged) continue;
    const request = { names: packaged.packages, withDependencies: true };
    const tree = await unpackedPackages(log ? { ...request, log } : request);
    for (const file of await withLibraries(tree, packaged.programs)) files.set(file.path, file);
  }
  const programs = new Set(workloads.flatMap((each) => each.programs));
  return { programs: [...programs], files: [...files.values()] };
}
