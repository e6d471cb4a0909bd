// `fakedirty migrate`, `watch` and `completion` as users see them, as far as no guest is needed.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { ScriptedQemu } from '../migration/scripted-qemu.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { fakedirty, main } from './fakedirty.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the commands', () => {
  it.each(['migrate', 'watch', 'replay', 'completion'])('"%s" explains itself', (word) => {
    const { status, output } = fakedirty(word, '--help');
    expect(status).toBe(exitCodes.ok);
    expect(output).toMatch(/^Usage: fakedirty/);
  });

  const qmp = ['--qmp', '/nowhere/vm.qmp'];
  it.each([
    [['migrate'], /--qmp/],
    [['migrate', ...qmp], /either --to URI, or --to-qmp and --listen/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--to-qmp', 'y', '--listen', 'tcp:b:1'],
      /either --to URI/,
    ],
    [['migrate', '--qmp', 'tcp:host', '--to', 'tcp:b:1'], /expected the path of a UNIX socket/],
    [['migrate', ...qmp, '--to', 'foo:bar'], /'foo:bar' does not begin with one of tcp:/],
    [['migrate', ...qmp, '--to', 'b:4444'], /has no protocol; for TCP write tcp:b:4444/],
    [['migrate', ...qmp, '--to-qmp', 'y', '--listen', 'tcp:b:x'], /port 'x'; expected a number/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--bandwidth', 'fast'], /Expected a size such as/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--downtime', '3y'], /Expected a time such as 300ms/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--parameter', 'downtime-limit=3y'],
      /Expected a time such as/,
    ],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--hash', 'sha-256'], /Did you mean 'sha256'\?/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--policy', 'fak-aware'],
      /Did you mean 'fake-aware'\?/,
    ],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--bandwith', '1M'], /Did you mean --bandwidth\?/],
    [['estimate', ...qmp, '--bandwidth', '1G'], /'--bandwidth' \(Did you mean --link\?\)/],
    [['estimate', '--bandwidth=1G', ...qmp], /'--bandwidth' \(Did you mean --link\?\)/],
    [
      ['migrate', ...qmp, '--to', 'unix:/x', '--link', '1G'],
      /no effect without --method auto; a limit is --bandwidth/,
    ],
    [['migrat'], /Did you mean migrate\?/],
    [['completion', 'bsh'], /Did you mean 'bash'\?/],
    [['estimate', ...qmp, '--seconds', '0.5s'], /Expected whole seconds, such as 2s/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--capability', 'xbzrle=maybe'], /NAME=on or NAME=off/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--hash', 'sha3'], /ph128.*sha256/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--policy', 'luck'],
      /no policy "luck"; there are adaptive/,
    ],
    [['completion', 'cmd'], /bash, zsh, fish/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--policy', 'give-up'],
      /"give-up": never gives up without/,
    ],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--quiet', '--verbose'],
      /without leaving out --verbose/,
    ],
    [['watch', ...qmp, '--quiet', '--verbose'], /--quiet has no effect without leaving out/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--accept-unsafe-hash'], /no effect without --hash/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--verify'], /--verify has no effect without --hash/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--without-filter', 'refuse'],
      /no effect without --hash/,
    ],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--filter-max-memory', '1M'], /without --hash/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--filter-max-cpu', '50%'], /without --hash/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--no-sampling'], /no effect without --hash/],
    [['migrate', ...qmp, '--filter-max-memory', 'all'], /Expected a size such as/],
    [['migrate', ...qmp, '--filter-max-cpu', 'half'], /Expected a percentage such as/],
    [['migrate', ...qmp, '--filter-max-cpu', '1.5'], /without a fraction/],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--multifd-compression', 'zlib'], /without --multifd/],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--multifd-level', '3'],
      /without --multifd; .*zlib or zstd/,
    ],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--multifd', '--multifd-level', '3'],
      /without .*zlib or zstd/,
    ],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--listen', 'tcp:b:1'],
      /--listen has no effect without --to-qmp/,
    ],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--to-qmp', 'y'],
      /--to-qmp has no effect without --listen/,
    ],
    [['migrate', ...qmp, '--to', 'tcp:b:1', '--postcopy-bandwidth', '1M'], /post-copy or hybrid/],
    [
      [
        'migrate',
        ...qmp,
        '--to',
        'tcp:b:1',
        '--method',
        'post-copy',
        '--policy',
        'give-up:passes=3',
      ],
      /--policy has no effect without --method pre-copy or hybrid/,
    ],
    [
      ['migrate', ...qmp, '--to', 'tcp:b:1', '--method', 'post-copy', '--auto-converge'],
      /--auto-converge has no effect/,
    ],
    [['lab', 'run', 'x.yaml', '--qemu', 'q', '--version', '7.2'], /without leaving out --qemu/],
    [['qemu', 'build', '--source', 'x', '--refresh-source'], /without leaving out --source/],
  ])('refuse %j', (args, message) => {
    const { status, output } = fakedirty(...args);
    expect(status).toBe(exitCodes.usage);
    expect(output).toMatch(message);
  });

  it.each([['migrate', '--to', 'tcp:x:1'], ['watch']])(
    'say where there is no QMP: %s',
    (...args) => {
      const { status, output } = fakedirty(...args, ...qmp);
      expect(status).toBe(exitCodes['no-qmp']);
      expect(output).toMatch(/There is no QMP at \/nowhere\/vm\.qmp/);
    },
  );
});

describe('fakedirty migrate', () => {
  const answers: Record<string, unknown> = {
    'query-status': { running: true, status: 'running' },
    'query-migrate': {},
    'query-migrate-capabilities': [{ capability: 'events', state: true }],
    'query-migrate-parameters': {},
    'query-qmp-schema': [],
    'query-memory-size-summary': { 'base-memory': 1 << 20 },
    'query-cpus-fast': [],
  };
  let qemu: FakeQemu;
  beforeEach(async () => {
    qemu = new FakeQemu();
    await qemu.listen();
    qemu.onRequest = ({ execute = '', id }) => qemu.say({ return: answers[execute] ?? {}, id });
  });
  afterEach(() => qemu.close());

  /** What it says on stderr, and its exit code; spawned, since this process plays QEMU. */
  async function ended(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    }
    const status = await new Promise((resolve) => child.once('close', resolve));
    return { status, said };
  }
  const migrating = () => [main, 'migrate', '--qmp', qemu.path, '--to', 'exec:cat'];

  it.each<[what: string, answer: () => void, message: RegExp]>([
    ['closes', () => qemu.socket?.destroy(), /error: .*(closed|gone|ended)/i],
    ['talks nonsense', () => qemu.say('}{'), /error: .*}{/],
  ])('says that no migration has begun in a QEMU that %s first', async (_, act, message) => {
    const answer = qemu.onRequest;
    qemu.onRequest = (request) => (request.execute === 'migrate' ? act() : answer(request));
    const { status, said } = await ended(process.execPath, migrating());
    expect(status).toBe(exitCodes['no-qmp']);
    expect(said).toMatch(message);
    expect(said).not.toMatch(/ after /);
  });

  it('says that it has lost a QEMU that ends in the middle, with a code of its own', async () => {
    const answer = qemu.onRequest;
    qemu.onRequest = (request) => {
      answer(request);
      if (request.execute === 'migrate') setTimeout(() => void qemu.end(), 100);
    };
    const { status, said } = await ended(process.execPath, migrating());
    expect(status).toBe(exitCodes['guest-unknown']);
    expect(said).toMatch(/unknown after .*\n.*Look at both sides/);
    expect(said).toMatch(/Where the guest is, and whether it runs, is not known\./);
  });

  it('has no words for what does not greet as QEMU does but that', async () => {
    qemu.firstLine = 'SSH-2.0-OpenSSH_9.2';
    const { status, said } = await ended(process.execPath, migrating());
    expect(status).toBe(exitCodes['no-qmp']);
    expect(said).toMatch(/error: .*SSH-2\.0/);
  });

  it('shows itself live on a real terminal, as wide as that is', async () => {
    let syncs = 1;
    const ram = () => ({
      ...{ transferred: syncs * 4e6, remaining: 2e6, total: 1 << 30, duplicate: 0, normal: syncs },
      ...{ 'normal-bytes': 0, 'dirty-pages-rate': 0, mbps: 100, 'dirty-sync-count': syncs },
      ...{ 'postcopy-requests': 0, 'page-size': 4096, 'multifd-bytes': 0, 'pages-per-second': 0 },
    });
    const answer = qemu.onRequest;
    let status = 'active';
    let looks = 0;
    qemu.onRequest = (request) => {
      const { execute, id } = request;
      if (execute === 'query-migrate' && syncs > 1) {
        looks += 1;
        // It has looked between passes.
        if (looks === 10) {
          status = 'failed';
          qemu.event('MIGRATION', { status });
        }
        return qemu.say({ return: { status, 'total-time': 1000, ram: ram() }, id });
      }
      answer(request);
      if (execute !== 'migrate') return;
      syncs = 2;
      qemu.event('MIGRATION', { status });
    };
    const words = [process.execPath, ...migrating()].map((word) => `'${word}'`).join(' ');
    const shell = `stty cols 90; unset NO_COLOR FORCE_COLOR; export TERM=xterm; exec ${words}`;
    const { said } = await ended('script', ['-qec', shell, '/dev/null']);
    expect(said).toContain('\r\x1b[2K');
    expect(said).toMatch(/active, \d+ ms: \d+\.\d MB sent/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, and what clears a line
    const lines = said.split(/[\r\n]+/).map((line) => line.replaceAll(/\x1b\[\d*[Km]/g, ''));
    expect(lines).toContain(
      '  pass      time        sent   unchanged   still dirty  predicted end',
    );
    const passes = lines.filter((line) => /^ +1 /.test(line));
    expect(passes).toHaveLength(1);
    expect(passes[0]?.length).toBeLessThan(90);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colour of the outcome
    expect(said).toMatch(/\x1b\[31mfailed\x1b\[39m after/);
  });

  it.each([
    ['--quiet', { events: 0, outcome: 1 }],
    ['--verbose', { events: 2, outcome: 1 }],
  ])('says more or less of it: %s', async (flag, { events, outcome }) => {
    const answer = qemu.onRequest;
    let status: string | undefined;
    qemu.onRequest = (request) => {
      const { execute, id } = request;
      const become = (next: string) => {
        status = next;
        qemu.event('MIGRATION', { status });
      };
      if (execute === 'query-migrate' && status) {
        qemu.say({ return: { status }, id });
        // It has heard of the first status when it asks.
        if (status === 'active') become('failed');
        return;
      }
      answer(request);
      if (execute === 'migrate') become('active');
    };
    const { said } = await ended(process.execPath, [...migrating(), '--no-journal', flag]);
    expect(said.match(/^QEMU: MIGRATION /gm) ?? []).toHaveLength(events);
    expect(said.match(/^failed after/gm) ?? []).toHaveLength(outcome);
  });

  it.each([
    ['SIGINT', /^It was cancelled by Ctrl-C \(SIGINT\)\.$/m],
    ['SIGTERM', /^It was cancelled by SIGTERM\.$/m],
    ['SIGHUP', /^It was cancelled by SIGHUP \(its terminal is gone\)\.$/m],
  ] as const)('names once what ended it: %s', async (signal, reason) => {
    new ScriptedQemu(qemu).obey();
    const args = [...migrating(), '--no-journal'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    while (!qemu.requests.some(({ execute }) => execute === 'migrate')) await pause(20);
    await pause(200);
    child.kill(signal);
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(
      exitCodes.interrupted,
    );
    expect(said).toMatch(reason);
    expect(said).not.toMatch(/caller|told to end/i);
    expect(said.match(/cancelled by/g)).toHaveLength(1);
  });

  it('is interrupted before the migration begins, and then leaves QEMU as it is', async () => {
    new ScriptedQemu(qemu).obey();
    const answer = qemu.onRequest;
    qemu.onRequest = (request) => {
      // QEMU takes its time over a question.
      if (request.execute !== 'query-qmp-schema') answer(request);
    };
    const args = [...migrating(), '--no-journal'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    while (!qemu.requests.some(({ execute }) => execute === 'query-qmp-schema')) await pause(20);
    child.kill('SIGINT');
    expect(await closed).toBe(exitCodes.interrupted);
    expect(said).toMatch(/cancelled by Ctrl-C \(SIGINT\)/);
    const changes = /^(migrate|set)/;
    expect(qemu.requests.filter(({ execute = '' }) => changes.test(execute))).toEqual([]);
  });

  it('refuses what no QEMU can do before it asks one', () => {
    const args = ['migrate', '--qmp', '/nowhere/vm.qmp', '--to', 'tcp:b:1', '--downtime', '3h'];
    const { status, output } = fakedirty(...args);
    expect(status).toBe(exitCodes.refused);
    expect(output).toMatch(/error: --downtime: .*2000000/);
  });

  it('lists the journals that there are where none is of this QEMU, and takes one by name', async () => {
    const script = new ScriptedQemu(qemu);
    script.obey();
    const journals = join(directory, 'journals');
    const begun = [...migrating(), '--journal', journals];
    const child = spawn(process.execPath, begun, { stdio: 'ignore' });
    while (!qemu.requests.some(({ execute }) => execute === 'migrate')) await pause(20);
    await pause(200);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const [name = ''] = readdirSync(journals);
    const file = join(journals, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace(qemu.path, '/moved/vm.qmp'));
    const watching = [main, 'watch', '--qmp', qemu.path, '--journal', journals, '--take-over'];
    const { status, said } = await ended(process.execPath, watching);
    expect(status).toBe(exitCodes.failure);
    expect(said).toContain(`has no journal of an unfinished migration from ${qemu.path}.`);
    expect(said).toMatch(/name its journal with --take-over FILE/);
    expect(said).toContain(`  ${file}: begun at `);
    expect(said).toContain(' from /moved/vm.qmp to exec:cat');
    const wrong = await ended(process.execPath, [...watching, main]);
    expect(wrong.said).toMatch(/main\.js is not a journal that can be read/);
    script.complete();
    const taken = await ended(process.execPath, [...watching, file]);
    expect(taken.said).toContain(`Taken over, as ${file} has it.`);
    expect(taken.status).toBe(exitCodes.ok);
  });

  it('names a journal folder that is a file', async () => {
    const args = [...migrating(), '--journal', main];
    const { status, said } = await ended(process.execPath, args);
    expect(status).toBe(exitCodes.usage);
    expect(said).toMatch(/error: --journal: can't be written: .*main\.js/);
  });

  it('migrates without a journal where the usual folder is none, and says so', async () => {
    const answer = qemu.onRequest;
    let status: string | undefined;
    qemu.onRequest = (request) => {
      const { execute, id } = request;
      if (execute === 'query-migrate' && status) return qemu.say({ return: { status }, id });
      answer(request);
      if (execute !== 'migrate') return;
      status = 'failed';
      qemu.event('MIGRATION', { status });
    };
    const place = [`XDG_STATE_HOME=${main}`, process.execPath];
    const ending = await ended('env', [...place, ...migrating()]);
    expect(ending.said).toMatch(/warning: no journal is kept \(.*main\.js/);
    expect(ending.status).toBe(exitCodes['migration-failed']);
  });

  it('names all that is refused, with a code of its own', async () => {
    const args = [...migrating(), '--hash', 'crc32', '--xbzrle'];
    const { status, said } = await ended(process.execPath, args);
    expect(status).toBe(exitCodes.refused);
    expect(said).toMatch(/- The QEMU 7\.2\.22 of the source has no fake dirty filter/);
    expect(said).toMatch(/--without-filter leave-out/);
    expect(said).toMatch(
      /- "crc32" is unsafe: with 32 bits.*--hash ph128, or add --accept-unsafe-hash/,
    );
    expect(said).not.toMatch(/acceptUnsafeHash|ifMissing/);
    const asked = qemu.requests.map(({ execute }) => execute);
    expect(asked.filter((name) => !/^(query-|qom-get|qmp_capabilities)/.test(name ?? ''))).toEqual(
      [],
    );
  });
});
