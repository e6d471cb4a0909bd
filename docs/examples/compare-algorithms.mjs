// How long does each algorithm take for the same pages? (npm run bench measures with more care.)
import { algorithms, fingerprintPagesAsync } from 'fakedirty';

const pages = Buffer.alloc(16 * 1024 * 1024, 'the quick brown fox ');
for (const { name, target, production } of algorithms()) {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; ++round) {
    const since = performance.now();
    await fingerprintPagesAsync(pages, { algorithm: name, threads: 1 });
    bestMs = Math.min(bestMs, performance.now() - since);
  }
  const speed = (pages.length / bestMs / 1e6).toFixed(1);
  console.log(
    `${name.padEnd(12)} ${speed.padStart(6)} GB/s  ${target}${production ? '' : '  (experiments only)'}`,
  );
}
