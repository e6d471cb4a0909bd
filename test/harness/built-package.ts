// The package as it is built, for tests that need a process or a thread of their own.
export const builtPackage = new URL('../../dist/index.js', import.meta.url);
