// What holds a guest's memory, as arguments for QEMU.

/**
 * file: one file, shared, which others can read and compare. two-files: two RAM blocks of half the size.
 * memfd, huge-pages (of 2 MiB, set aside before): a file without a name. anonymous: no file.
 */
export const memoryKinds = ['file', 'two-files', 'anonymous', 'memfd', 'huge-pages'] as const;
export type MemoryKind = (typeof memoryKinds)[number];

/** Those whose file can be opened through the process alone. */
export const memoryWithoutName: ReadonlySet<MemoryKind> = new Set(['memfd', 'huge-pages']);

export interface MemoryOptions {
  readonly kind: MemoryKind;
  readonly ramBytes: number;
  /** Where the kinds that have a file have it; a second one is beside it. */
  readonly file: string;
  readonly preallocate: boolean;
}

function object(type: string, properties: Readonly<Record<string, string | number>>): string[] {
  const list = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  return ['-object', [type, ...list].join(',')];
}

/** Arguments that give a machine its memory; `machineType` has to know of it. */
export function memoryArguments(machineType: string, options: MemoryOptions): string[] {
  const { kind, ramBytes, file, preallocate } = options;
  const prealloc = preallocate ? 'on' : 'off';
  const size = ['-m', `${ramBytes / 1024}k`];
  if (kind === 'two-files') {
    const half = { size: ramBytes / 2, share: 'on', prealloc };
    return [
      ...object('memory-backend-file', { id: 'ram', 'mem-path': file, ...half }),
      ...object('memory-backend-file', { id: 'ram2', 'mem-path': `${file}.2`, ...half }),
      ...['-machine', machineType, ...size],
      ...['-numa', 'node,memdev=ram', '-numa', 'node,memdev=ram2'],
    ];
  }
  const shared = { id: 'ram', size: ramBytes, share: 'on', prealloc };
  const backends: Record<Exclude<MemoryKind, 'two-files'>, string[]> = {
    file: object('memory-backend-file', { ...shared, 'mem-path': file }),
    memfd: object('memory-backend-memfd', shared),
    'huge-pages': object('memory-backend-memfd', { ...shared, hugetlb: 'on', hugetlbsize: '2M' }),
    anonymous: object('memory-backend-ram', { id: 'ram', size: ramBytes, prealloc }),
  };
  return [...backends[kind], '-machine', `${machineType},memory-backend=ram`, ...size];
}
