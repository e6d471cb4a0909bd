// What virsh is told when a domain is to move.
import { expect, it } from 'vitest';
import {
  migrateWords,
  postCopyFromPass,
  resumeWords,
} from '../../../../lib/fleet/drivers/libvirt/migrate-words.js';
import { mebibyte } from '../../../../lib/format/bytes.js';
import { methodSchema } from '../../../../lib/site/move.js';
import type { LibvirtHost } from '../../../../lib/site/site.js';

const to: LibvirtHost = {
  driver: 'libvirt',
  uri: 'qemu+ssh://h2/system',
  memoryBytes: 1,
  cards: {},
  arrivals: { card: 'nic', address: '10.0.0.2', ports: [1, 2] },
};
const plainly = { isPersistent: false, isEncrypted: false };
const preCopy = methodSchema.parse({ name: 'pre-copy' });

it('a domain that is defined is defined at its destination, and nowhere else', () => {
  expect(migrateWords('vm', to, preCopy, { isPersistent: true, isEncrypted: false })).toEqual([
    ...['migrate', '--live', '--p2p', '--persistent', '--undefinesource'],
    ...['--migrateuri', 'tcp://10.0.0.2', 'vm', 'qemu+ssh://h2/system'],
  ]);
});

it('other daemons may reach a host by another URI, and by IPv6', () => {
  const other = {
    ...to,
    peerUri: 'qemu+tls://h2/system',
    arrivals: { ...to.arrivals, address: 'fd00::2' },
  };
  const words = migrateWords('vm', other, preCopy, plainly);
  expect(words).toEqual([
    ...['migrate', '--live', '--p2p', '--migrateuri', 'tcp://[fd00::2]'],
    ...['vm', 'qemu+tls://h2/system'],
  ]);
});

it('a guest travels encrypted to a host by the name that its certificate has', () => {
  const encrypted = { ...plainly, isEncrypted: true };
  expect(migrateWords('vm', to, preCopy, encrypted)).toContain('--tls');
  const named = { ...to, tls: { folder: '/etc/pki/qemu', name: 'h2.example' } };
  const words = migrateWords('vm', named, preCopy, encrypted);
  expect(words[words.indexOf('--tls-destination') + 1]).toBe('h2.example');
});

it('a rate is given in whole MiB a second, and never in more than was asked for', () => {
  const rates = [mebibyte, 2.9 * mebibyte, 125e6].map((bytesPerSecond) => {
    const method = { ...preCopy, bytesPerSecond };
    const words = migrateWords('vm', to, method, plainly);
    return words[words.indexOf('--bandwidth') + 1];
  });
  expect(rates).toEqual(['1', '2', '119']);
});

it('post-copy is allowed where the method has it, begins in its pass, and can be taken up again', () => {
  const passes = (['pre-copy', 'hybrid', 'post-copy'] as const).map((name) => {
    const method = methodSchema.parse({ name });
    const words = migrateWords('vm', to, method, plainly);
    expect(words.includes('--postcopy')).toBe(name !== 'pre-copy');
    return postCopyFromPass(method);
  });
  expect(passes).toEqual([undefined, 2, 1]);
  const hybrid = methodSchema.parse({ name: 'hybrid' });
  // A policy chooses when.
  expect(postCopyFromPass({ ...hybrid, policy: ['fake-aware'] })).toBeUndefined();
  expect(resumeWords('vm', to, hybrid, plainly)).toContain('--postcopy-resume');
});
