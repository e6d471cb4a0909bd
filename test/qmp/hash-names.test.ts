// Three places name the fingerprint algorithms: the library, QEMU's schema, and our schema of QMP.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { algorithmNames, algorithms } from '../../lib/fingerprint/algorithms.js';
import { fakeDirtyHashes, safeHashes } from '../../lib/qmp/schema/fake-dirty.js';

it('the QMP schema offers the algorithms that the library has, in the same order', () => {
  expect(fakeDirtyHashes).toEqual(algorithmNames);
});

it('the QMP schema calls those hashes safe that the library calls fit for production', () => {
  const production = algorithms()
    .filter((algorithm) => algorithm.production)
    .map(({ name }) => name);
  expect(safeHashes).toEqual(production);
});

it('the QMP schema offers the algorithms that the patched QEMU takes', () => {
  const file = new URL('../../qemu-patches/shared/qapi/fake-dirty.json', import.meta.url);
  const schema = readFileSync(file, 'utf8');
  const [, data = ''] = /'enum': 'FakeDirtyHash',\s*'data': \[([^\]]*)\]/.exec(schema) ?? [];
  expect(data.match(/[\w-]+/g)).toEqual([...fakeDirtyHashes]);
});
