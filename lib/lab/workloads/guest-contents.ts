// What a guest's image has to hold so that these workloads run in it.
import { basename } from 'node:path';
import { type GuestFile, withLibraries } from '../guest/debian/libraries.js';
import { type Say, unpackedPackages } from '../guest/debian/packages.js';
import { guestSource } from '../guest/programs.js';
import type { Workload } from './workload.js';

export interface Contents {
  readonly programs: readonly string[];
  readonly files: readonly GuestFile[];
}

export async function contentsFor(workloads: readonly Workload[], say?: Say): Promise<Contents> {
  const files = new Map<string, GuestFile>();
  for (const { packaged, scripts = [] } of workloads) {
    for (const script of scripts) {
      const path = `share/${basename(script)}`;
      files.set(path, { path, from: guestSource(script) });
    }
    if (!packaged) continue;
    const request = { names: packaged.packages, withDependencies: true };
    const tree = await unpackedPackages(say ? { ...request, say } : request);
    for (const file of await withLibraries(tree, packaged.programs)) files.set(file.path, file);
  }
  const programs = new Set(workloads.flatMap((each) => each.programs));
  return { programs: [...programs], files: [...files.values()] };
}
