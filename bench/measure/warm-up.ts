// V8 compiles what is called often, and in the background: until then a call costs several times as much.

const stretchMs = 10;
const minStretches = 3;
/** Much more than a quiet machine needs; on a busy one the compiler waits for its turn. */
const maxStretches = 10;
/** A stretch that gets no further than this many times the best one before: nothing more to gain. */
const steady = 1.03;

async function callsIn(milliseconds: number, call: () => unknown): Promise<number> {
  const end = performance.now() + milliseconds;
  let calls = 0;
  for (; performance.now() < end; calls += 1) await call();
  return calls;
}

/** Calls until the compiler has had its time: until calls become no faster. */
export async function warmUp(call: () => unknown): Promise<void> {
  let best = 0;
  for (let stretch = 1; stretch <= maxStretches; stretch += 1) {
    const calls = await callsIn(stretchMs, call);
    if (stretch > minStretches && calls < best * steady) return;
    best = Math.max(best, calls);
  }
}
