// The directory of this package, in which its sources, series and guests are found.
import { findPackageRoot, unbundle } from './find-package-root.js';

function requireRoot(): string {
  const root = findPackageRoot();
  if (root === undefined) {
    throw new Error(
      `fakedirty has been bundled into another program, without the files that it needs. ${unbundle}`,
    );
  }
  return root;
}

export const packageRoot = requireRoot();
