export const packagesFor: Record<'addon' | 'native' | 'qemu' | 'formatters' | 'checks', string[]>;
export function ensureSystemPackages(wanted: readonly string[]): Promise<void>;
