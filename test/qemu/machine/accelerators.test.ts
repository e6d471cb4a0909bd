// What is found out about accelerators, with a QEMU of this machine.
import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { findAccelerators } from '../../../lib/lab/run/find-qemu.js';
import { bootsLinux, choose, probe } from '../../../lib/qemu/probe/accelerators.js';
import { needAnyQemu, needKvmInRing3 } from '../../harness/requirements.js';

const text = 'name: trial\nworkloads: [bare-idle, idle]\nmemoryMiB: [256]\nmethods: [plain]\n';
const kinds = new Set(['linux', 'bare'] as const);

describe('an accelerator', () => {
  it('TCG boots Linux, and runs programs in ring 3', async (context) => {
    const found = await probe(needAnyQemu(context).binary, 'tcg');
    expect(bootsLinux(found)).toBe(true);
    expect(found.ring0.problem).toBeUndefined();
    expect(found.ring0.storesPerSecond).toBeGreaterThan(0);
    expect(found.ring3).toEqual({ runs: true, storesPerSecond: expect.any(Number) });
  });

  it('KVM that boots no Linux has a reason, and runs programs in ring 3 all the same', async (context) => {
    const qemu = needAnyQemu(context);
    await needKvmInRing3(context, qemu);
    const found = await probe(qemu.binary, 'kvm');
    expect(found.ring3).toEqual({ runs: true, storesPerSecond: expect.any(Number) });
    expect(found.ring0.problem === undefined).toBe(bootsLinux(found));
  });
});

describe('an experiment', () => {
  it('has the best accelerator for each kind of its guests', async (context) => {
    const { binary } = needAnyQemu(context);
    const accelerators = await findAccelerators(parseExperiment(text, 'trial.yaml'), binary, kinds);
    const findings = [await probe(binary, 'kvm'), await probe(binary, 'tcg')];
    // How fast they are differs by far more than it varies.
    expect(accelerators).toEqual({
      linux: choose(findings, 'linux'),
      bare: choose(findings, 'bare'),
    });
  });

  it('has the one that it names, for all of them, untried', async () => {
    const named = parseExperiment(`${text}guest: { accelerator: kvm }\n`, 'trial.yaml');
    expect(await findAccelerators(named, '/nowhere', kinds)).toEqual({ linux: 'kvm', bare: 'kvm' });
  });
});
