export const packagesFor: Record<
  'addon' | 'native' | 'qemu' | 'lab' | 'formatters' | 'checks',
  string[]
>;
export function ensureSystemPackages(wanted: readonly string[]): Promise<void>;
