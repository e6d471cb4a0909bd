// Pauses a VM, waits until it has stopped, and resumes it.
// usage: node stop-and-continue-a-vm.mjs QMP
import { eventTimeMs, parseAddress, QmpClient } from 'fakedirty/qmp';

const qmp = await QmpClient.connect(parseAddress(process.argv[2]));

// Listen before the commands whose events are awaited, so that none is missed.
const events = qmp.events('STOP', 'RESUME');
await qmp.execute('stop');
const stopped = await events.until(({ event }) => event === 'STOP');
await qmp.execute('cont');
const resumed = await events.until(({ event }) => event === 'RESUME');
events.close();

console.log(`was paused for ${(eventTimeMs(resumed) - eventTimeMs(stopped)).toFixed(1)} ms`);
const { running } = await qmp.execute('query-status', undefined, { timeoutMs: 5000 });
console.log(running ? 'runs again' : 'does not run');
await qmp.close();
