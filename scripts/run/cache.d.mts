export const repository: string;
export const checkoutKey: string;
export function keyOf(parts: unknown): string;
export function cacheDirectory(...path: string[]): string;
