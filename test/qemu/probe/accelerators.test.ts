// Which accelerator is for which guests, by what was found; and what `fakedirty qemu doctor` says of it.
import { describe, expect, it } from 'vitest';
import { type AcceleratorFinding, choose, probe } from '../../../lib/qemu/probe/accelerators.js';
import { doctorText, type Findings } from '../../../lib/qemu/probe/doctor.js';

const works = { runs: true, longMode: true, systemCalls: true };
const broken = { runs: false, storesPerSecond: 0, longMode: false, systemCalls: false };

const tcg: AcceleratorFinding = {
  accelerator: 'tcg',
  ring0: { ...works, storesPerSecond: 200e6 },
  ring3: { runs: true, storesPerSecond: 210e6 },
};
/** As processors run it. */
const kvm: AcceleratorFinding = {
  accelerator: 'kvm',
  ring0: { ...works, storesPerSecond: 1600e6 },
  ring3: { runs: true, storesPerSecond: 1700e6 },
};
/** On a host that is itself a guest, without virtualization by its processor. */
const kvmOfRing3: AcceleratorFinding = {
  ...kvm,
  ring0: {
    ...{ runs: true, longMode: true, systemCalls: false, storesPerSecond: 0.1e6 },
    problem: 'a system call does not get from ring 3 to ring 0',
  },
};
const noKvm: AcceleratorFinding = {
  accelerator: 'kvm',
  ring0: { ...broken, problem: 'there is no /dev/kvm\nat all' },
  ring3: { runs: false, storesPerSecond: 0, problem: 'there is no /dev/kvm\nat all' },
};

describe('the accelerator', () => {
  it.each([
    ['KVM where it runs everything', [kvm, tcg], 'kvm', 'kvm'],
    ['TCG for Linux where KVM runs ring 3 alone', [kvmOfRing3, tcg], 'tcg', 'kvm'],
    ['TCG without KVM', [noKvm, tcg], 'tcg', 'tcg'],
    ['none where none works', [noKvm], undefined, undefined],
    [
      'TCG for Linux where KVM crawls, although it could',
      [{ ...kvm, ring0: { ...works, storesPerSecond: 0.1e6 } }, tcg],
      ...(['tcg', 'kvm'] as const),
    ],
    [
      'TCG for Linux where KVM enters no 64-bit mode',
      [{ ...kvm, ring0: { ...kvm.ring0, longMode: false, systemCalls: false } }, tcg],
      ...(['tcg', 'kvm'] as const),
    ],
  ] as const)('is %s', (_, findings, linux, bare) => {
    expect([choose(findings, 'linux'), choose(findings, 'bare')]).toEqual([linux, bare]);
  });

  it('does not work with a QEMU that does not start, and the reason is said', async () => {
    const { ring0, ring3 } = await probe('/nowhere', 'tcg');
    expect(ring0).toMatchObject({ ...broken, problem: expect.stringMatching(/nowhere/) });
    expect(ring3).toMatchObject({ runs: false, problem: expect.stringMatching(/nowhere/) });
  });
});

describe('fakedirty qemu doctor', () => {
  function textOf(accelerators: readonly AcceleratorFinding[], triedWith: string | null = 'qemu') {
    const findings: Findings = {
      machine: { cpus: 2, model: 'some processor', memoryMiB: 2, freeMiB: 1 },
      ...{ compiler: 'cc', requirements: [], triedWith, accelerators, hugePages: [], built: [] },
      chosen: {
        linux: choose(accelerators, 'linux') ?? null,
        bare: choose(accelerators, 'bare') ?? null,
      },
      userfaultfd: { usable: true, reason: 'this is root' },
    };
    return doctorText(findings);
  }

  it('says which accelerator is for what', () => {
    const text = textOf([kvmOfRing3, tcg]);
    expect(text).toContain(
      'kvm: boots no Linux here (ring 0: 0.100 million stores/s; a system call does not get from ring 3 to ring 0); runs programs in ring 3 (1,700 million stores/s)',
    );
    expect(text).toContain('tcg: boots Linux (ring 0: 200 million stores/s)');
    expect(text).toContain(
      'accelerator: tcg for Linux guests, kvm for bare guests (tried with qemu)',
    );
  });

  it('says why one does not work, in one line', () => {
    expect(textOf([noKvm, tcg])).toContain(
      'kvm: boots no Linux here (there is no /dev/kvm); runs no programs in ring 3 (there is no /dev/kvm)\n',
    );
    expect(textOf([noKvm])).toContain('none works for Linux guests, none works for bare guests');
    expect(textOf([], null)).toContain('not tried, for want of a QEMU');
  });
});
