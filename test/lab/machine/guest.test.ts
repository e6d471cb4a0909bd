import { describe, expect, it } from 'vitest';
import { parseGuestMessage } from '../../../lib/lab/guest/guest-message.js';
import { LinuxControl } from '../../../lib/lab/guest/linux-control.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import { loopbackGuests, memoryBytes, needLabQemu } from './guests.js';

const answerMs = 60_000;

describe('the Linux guest', () => {
  it('boots, runs a workload, migrates with it, and finds its memory intact', async (context) => {
    const { binary, patched } = needLabQemu(context);
    const programs = ['working-set', 'quicksort'];
    const guests = await loopbackGuests(context, { binary, programs, processors: 1 });
    const vm = await guests.start();
    const control = new LinuxControl();
    await vm.boot(control);

    const memory = control.next('memory', answerMs);
    control.send('memory');
    expect((await memory).totalBytes).toBeGreaterThan(0.8 * memoryBytes);

    const running = control.next('running', answerMs);
    control.send('start /bin/working-set bytes=16000000 pattern=flip words=4');
    await running;
    const before = await control.next('report', answerMs);
    // Without the series, TCG loses marks: only a guest at rest arrives whole.
    if (!patched) await vm.machine.qmp.execute('stop');
    const arrived = await guests.move(vm);
    expect(await compareMemory(vm.machine.ramFile, arrived.machine.ramFile)).toMatchObject({
      pages: memoryBytes / 4096,
      differentPages: 0,
    });

    arrived.connect(control);
    const report = control.next('report', answerMs);
    await arrived.machine.qmp.execute('cont');
    expect((await report).operations).toBeGreaterThan(before.operations);
    const [check, exit] = [control.next('check', answerMs), control.next('exit', answerMs)];
    control.send('stop');
    expect(await check).toMatchObject({ what: 'words', wrong: 0 });
    expect((await check).checked).toBeGreaterThan(1_900_000);
    expect(await exit).toMatchObject({ status: 0, signal: 0 });

    // Another one can follow.
    const sorting = control.next('running', answerMs);
    control.send('start /bin/quicksort bytes=1000000');
    await sorting;
    await control.next('report', answerMs);
    const [sorted, over] = [control.next('check', answerMs), control.next('exit', answerMs)];
    control.send('stop');
    await over;
    expect(await sorted).toMatchObject({ what: 'arrays', checked: 976, wrong: 0 });

    // What does not work is an error for whoever waits.
    const never = control.next('running', answerMs);
    control.send('stop');
    await expect(never).rejects.toThrow(/no workload is running/);
    const failing = control.next('exit', answerMs);
    control.send('start /bin/nonsense');
    expect(await failing).toMatchObject({ status: 127 });
  });

  // With room for one alone QEMU takes the guest's memory barriers for unneeded: see linux-vm.ts.
  it('leaves room for a second processor', async (context) => {
    const { binary } = needLabQemu(context);
    const guests = await loopbackGuests(context, { binary, programs: [], processors: 1 });
    const { qmp } = (await guests.start()).machine;
    expect(await qmp.execute('query-hotpluggable-cpus')).toHaveLength(2);
    expect(await qmp.execute('query-cpus-fast')).toHaveLength(1);
  });

  it('reports its console when it does not boot', async (context) => {
    const { binary } = needLabQemu(context);
    const guests = await loopbackGuests(context, { binary, programs: [], processors: 1 });
    const { image } = guests;
    const vm = await guests.start({ image: { ...image, initramfs: image.kernel } });
    // It ends when the kernel panics.
    await expect(vm.boot(new LinuxControl())).rejects.toThrow(/did not boot.*Kernel panic/s);
  });

  it('has the kind of memory that is asked for', async (context) => {
    const { binary } = needLabQemu(context);
    const guests = await loopbackGuests(context, { binary, programs: [], processors: 1 });
    const vm = await guests.start({ memory: 'memfd' });
    expect(await compareMemory(vm.machine.ramFile, vm.machine.ramFile)).toMatchObject({
      pages: memoryBytes / 4096,
    });
  });
});

describe('a line from the guest', () => {
  it.for(['', 'login:', '{"type":"check"}', '{"type":"report","atMs":-1}', '[]'])(
    'is refused if it is not a message: %s',
    (line) => {
      expect(() => parseGuestMessage(line)).toThrow(/not a message of the guest's first process/);
    },
  );
});
