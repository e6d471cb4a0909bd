// Checks digests of the package that is installed beside this file against the vectors of the native tests
// (native/test/vectors_test.cc says how they are made), on every instruction set of the machine, and prints what it
// found as JSON. Called with the path of vectors.inc.
import { readFileSync } from 'node:fs';
import { Hasher, targets } from 'fakedirty';

const line = /^VECTOR\((\w+), (\w+), (\w+), (\d+), "(\w+)"\)$/gm;

/** Splitmix64 from 0, its words stored little-endian. */
function keyOf(bytes) {
  const key = Buffer.alloc(bytes);
  let state = 0n;
  for (let at = 0; at < bytes; at += 8) {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    key.writeBigUInt64LE(z ^ (z >> 31n), at);
  }
  return key;
}

const contents = {
  zeros: () => 0,
  steps: (i) => (i * 131 + (i >> 8)) & 255,
};

const found = {};
for (const target of targets()) {
  const result = { checked: 0, wrong: [] };
  for (const [text, name, seed, content, size, digest] of readFileSync(
    process.argv[2],
    'utf8',
  ).matchAll(line)) {
    const algorithm = name.toLowerCase().replace('_', '-');
    const pageSize = Number(size);
    const seeds = seed === '0' ? {} : { seed: BigInt(seed.replace(/u?l*$/i, '')) };
    const keys = algorithm === 'ph128' ? { key: keyOf(pageSize + 32) } : {};
    const hasher = new Hasher({ algorithm, pageSize, target, ...seeds, ...keys });
    // Alone, and enough copies to fill the lanes: the first way is another path in some kernels.
    for (const count of [1, hasher.lanes + 1]) {
      const pages = Buffer.alloc(count * pageSize);
      for (let i = 0; i < pages.length; ++i) pages[i] = contents[content](i % pageSize);
      const same = hasher.fingerprint(pages).toString('hex') === digest.repeat(count);
      if (!same || hasher.target !== target) result.wrong.push(`${text} of ${count}`);
    }
    hasher.dispose();
    result.checked += 1;
  }
  found[target] = result;
}
console.log(JSON.stringify(found));
