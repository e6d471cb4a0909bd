// What of a domain's description matters when it moves, had from libvirt by XPath.
import type { Domain } from './domain.js';

/** What of a domain's description matters. */
export interface DomainDescription {
  /** `kvm` or `qemu`. */
  readonly type: string;
  readonly emulator: string;
  readonly machine: string;
  readonly memoryBytes: number;
  /** Whether its memory is in files of a folder, which may be on a disk. */
  readonly hasMemoryInFiles: boolean;
  readonly cpuMode: string;
  /** How many devices of its host it has for itself. */
  readonly hostDevices: number;
  /** How many folders of its host it shares. */
  readonly hostFolders: number;
  /** Files in which it has disks. */
  readonly diskFiles: readonly string[];
  /** Disks that its host keeps pages of: another one would not see what was written last. */
  readonly cachedDisks: readonly string[];
  /** Words that its QEMU gets beside libvirt's. */
  readonly extraWords: readonly string[];
}

const paths = {
  type: '/domain/@type',
  emulator: '/domain/devices/emulator/text()',
  machine: '/domain/os/type/@machine',
  memory: '/domain/memory/text()',
  memorySource: '/domain/memoryBacking/source/@type',
  cpuMode: '/domain/cpu/@mode',
  hostDevices: '/domain/devices/hostdev/@mode | /domain/devices/interface[@type="hostdev"]/@type',
  hostFolders: '/domain/devices/filesystem/target/@dir',
  diskFiles: '/domain/devices/disk[not(readonly)]/source/@file',
  cachedDisks:
    '/domain/devices/disk[(@type="file" or @type="block") and not(readonly) and source and ' +
    'not(driver/@cache="none" or driver/@cache="directsync")]/target/@dev',
  extraWords: '/domain/*[local-name()="commandline"]/*[local-name()="arg"]/@value',
} as const;

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};

/** A node as virsh prints it: text as it is, an attribute with its name. */
export function nodeText(line: string): string {
  const [, value = line.trim()] = /^ [\w:-]+="(.*)"$/.exec(line) ?? [];
  return value.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => entities[entity] ?? entity);
}

/** libvirt gives memory in KiB. */
const unitBytes = 1024;

/** Reads a domain's description. */
export async function describeDomain(domain: Domain): Promise<DomainDescription> {
  const found = Object.fromEntries(
    await Promise.all(
      Object.entries(paths).map(async ([name, path]) => {
        const lines = await domain.virsh.run(['dumpxml', domain.id, '--xpath', path]);
        return [name, lines.filter((line) => line.trim() !== '').map(nodeText)] as const;
      }),
    ),
  ) as Record<keyof typeof paths, string[]>;
  const first = ([text = '']: readonly string[]) => text;
  return {
    type: first(found.type),
    emulator: first(found.emulator),
    machine: first(found.machine),
    memoryBytes: Number(first(found.memory)) * unitBytes,
    hasMemoryInFiles: found.memorySource.includes('file'),
    cpuMode: first(found.cpuMode),
    hostDevices: found.hostDevices.length,
    hostFolders: found.hostFolders.length,
    diskFiles: found.diskFiles,
    cachedDisks: found.cachedDisks,
    extraWords: found.extraWords,
  };
}

/** Whether its QEMU skips fake dirty pages when it leaves. */
export function hasFilter({ extraWords }: DomainDescription): boolean {
  return extraWords.some((word) => /^migration\.x-fake-dirty-filter=(on|true|yes)$/.test(word));
}
