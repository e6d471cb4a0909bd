// V8 compiles what is called often, and in the background: until then a call costs several times as much.

/** Much more than a quiet machine needs; on a busy one the compiler waits for its turn. */
const milliseconds = 100;

/** Calls until the compiler has had its time. */
export async function warmUp(call: () => unknown): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) await call();
}
