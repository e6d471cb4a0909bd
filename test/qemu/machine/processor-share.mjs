// Which share of a processor this process takes, in each of a few stretches of time.
// usage: node processor-share.mjs: as a program, of a process that wakes up six times a second and does nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const warmUpMs = 3000;
const stretches = 6;
const wakesPerSecond = 6;

const stretchMs = 2500;

/** After everything has been compiled that runs at first. */
export async function processorShares() {
  await sleep(warmUpMs);
  const shares = [];
  for (let index = 0; index < stretches; index += 1) {
    const [cpu, beganMs] = [process.cpuUsage(), performance.now()];
    await sleep(stretchMs);
    const { user, system } = process.cpuUsage(cpu);
    shares.push((user + system) / 1000 / (performance.now() - beganMs));
  }
  return shares;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const waking = setInterval(() => {}, 1000 / wakesPerSecond);
  console.log(JSON.stringify(await processorShares()));
  clearInterval(waking);
}
