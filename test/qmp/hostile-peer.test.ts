// What a client does with a peer that stalls, splits, floods, lies and closes.
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QmpClient } from '../../lib/qmp/client.js';
import {
  QmpClosedError,
  QmpCommandError,
  QmpEventOverflowError,
  QmpGarbledError,
  QmpGreetingError,
  QmpNegotiationError,
  QmpOversizedError,
  QmpTimeoutError,
} from '../../lib/qmp/errors.js';
import { LineSplitter } from '../../lib/qmp/lines.js';
import { parseMessage } from '../../lib/qmp/messages.js';
import { FakeQemu, greeting } from './fake-qemu.js';

let qemu: FakeQemu;

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
});
afterEach(() => qemu.close());

async function failureOf(work: Promise<unknown>) {
  return await work.then(
    () => expect.fail('it did not fail'),
    (error) => error,
  );
}

describe('a QMP client that gets no greeting', () => {
  it('times out on silence, and says what the reason may be', async () => {
    qemu.firstLine = '';
    const error = await failureOf(qemu.connect({ timeoutMs: 20 }));
    expect(error).toBeInstanceOf(QmpGreetingError);
    expect(error.message).toMatch(/20 ms.*another program/);
  });

  it('gives up on silence when its signal is aborted', async () => {
    qemu.firstLine = '';
    const signal = AbortSignal.timeout(20);
    expect(await failureOf(qemu.connect({ signal }))).toMatchObject({ name: 'TimeoutError' });
  });

  it.each(['SSH-2.0-OpenSSH', '{"QMP": {}}', '{"surprise": 1}'])(
    'refuses the greeting %s',
    async (line) => {
      qemu.firstLine = line;
      const error = await failureOf(qemu.connect());
      expect(error).toBeInstanceOf(QmpGreetingError);
      expect(error.received).toBe(line);
      expect(error.cause).toBeInstanceOf(QmpGarbledError);
    },
  );

  it('reports half a greeting when the peer closes', async () => {
    qemu.firstLine = '';
    const connecting = failureOf(qemu.connect());
    while (!qemu.socket) await new Promise(setImmediate);
    qemu.socket.end('{"QMP": {"ver');
    const error = await connecting;
    expect(error).toBeInstanceOf(QmpGreetingError);
    expect(error.received).toBe('{"QMP": {"ver');
  });
});

describe('a QMP client that can not negotiate capabilities', () => {
  it.each<[string, () => void, new (...args: never[]) => Error]>([
    ['silence', () => {}, QmpTimeoutError],
    ['the end', () => qemu.socket?.destroy(), QmpClosedError],
    [
      'a refusal',
      () => qemu.say({ error: { class: 'GenericError', desc: 'no' }, id: 1 }),
      QmpCommandError,
    ],
    ['an answer to somebody else', () => qemu.say({ return: {}, id: 77 }), QmpTimeoutError],
  ])('reports %s', async (_, answer, cause) => {
    qemu.onNegotiation = answer;
    const error = await failureOf(qemu.connect({ timeoutMs: 500 }));
    expect(error).toBeInstanceOf(QmpNegotiationError);
    expect(error.cause).toBeInstanceOf(cause);
    expect(error.sent).toMatchObject({ execute: 'qmp_capabilities' });
  });
});

describe('a QMP client with a hostile peer', () => {
  it.each([
    '{"surprise": 1}',
    'SSH-2.0-OpenSSH',
    '{"return": {}',
    '{"event": "MIGRATION", "data": {"status": 5}, "timestamp": {"seconds": 1, "microseconds": 2}}',
  ])('closes the connection on %s, for every pending command', async (line) => {
    const client = await qemu.connect();
    qemu.onRequest = () => qemu.say(line);
    const error = await failureOf(client.execute('stop'));
    expect(error).toBeInstanceOf(QmpGarbledError);
    expect(error).toMatchObject({ sent: { execute: 'stop' }, received: line });
    await expect(client.execute('cont')).rejects.toThrow(QmpGarbledError);
  });

  it('closes the connection on an endless message before memory runs out', async () => {
    const client = await qemu.connect({ maxMessageBytes: 100_000 });
    qemu.onRequest = () => {
      for (let chunk = 0; chunk < 200; chunk += 1) qemu.socket?.write('x'.repeat(1000));
    };
    const error = await failureOf(client.execute('stop'));
    expect(error).toBeInstanceOf(QmpOversizedError);
    expect(error.received).toMatch(/^x{1000}$/);
    expect(error.sent).toMatchObject({ execute: 'stop' });
  });

  it('reports half an answer when the peer closes', async () => {
    const client = await qemu.connect();
    qemu.onRequest = () => qemu.socket?.end('{"return": {"sta');
    const error = await failureOf(client.execute('query-status'));
    expect(error).toBeInstanceOf(QmpClosedError);
    expect(error.received).toBe('{"return": {"sta');
  });

  it('ignores answers with wrong, missing or repeated ids', async () => {
    const strays: string[] = [];
    const client = await qemu.connect({ onUnexpectedAnswer: (line) => strays.push(line) });
    qemu.onRequest = ({ id }) => {
      qemu.say({ return: 'not yours', id: 99 });
      qemu.say({ return: 'not yours', id: String(id) });
      qemu.say({ return: 'not yours' });
      qemu.say({ error: { class: 'GenericError', desc: 'not yours' }, id: null });
      qemu.say({ return: 'yours', id });
      qemu.say({ return: 'yours again', id });
    };
    expect(await client.execute('one')).toBe('yours');
    expect(await client.execute('two')).toBe('yours');
    expect(strays.filter((line) => line.includes('not yours'))).toHaveLength(8);
  });

  it('closes an event stream that nobody reads, not the connection', async () => {
    const client = await qemu.connect();
    const flooded = client.events('STOP');
    const spared = client.events('RESUME');
    qemu.onRequest = ({ id }) => {
      for (let count = 0; count <= 10_001; count += 1) qemu.event('STOP');
      qemu.event('RESUME');
      qemu.say({ return: 'alive', id });
    };
    expect(await client.execute('go')).toBe('alive');
    expect((await spared.next()).value).toMatchObject({ event: 'RESUME' });
    let read = 0;
    const error = await failureOf(
      (async () => {
        for await (const _ of flooded) read += 1;
      })(),
    );
    expect(error).toBeInstanceOf(QmpEventOverflowError);
    expect(read).toBe(10_000);
  });

  it('delays only the commands that a peer does not answer', async () => {
    const client = await qemu.connect();
    const stalled = client.execute('stalled', undefined, { timeoutMs: 30 });
    const waiting = client.execute('patient', undefined, { timeoutMs: Number.POSITIVE_INFINITY });
    await expect(stalled).rejects.toThrow(/"stalled" within 30 ms/);
    qemu.say({ return: 'at last', id: qemu.requests.at(-1)?.id });
    expect(await waiting).toBe('at last');
  });
});

/** Cuts bytes at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

describe('bytes that arrive in any pieces', () => {
  it('are split into the same lines', () => {
    const text = fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat()), (lines, places) => {
        const read: string[] = [];
        const onOversized = () => expect.fail('there is no such line');
        const reader = new LineSplitter({
          maxLineBytes: 1e6,
          onLine: (line) => read.push(line),
          onOversized,
        });
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        for (const part of cut(bytes, places)) reader.push(part);
        expect(read).toEqual(lines);
      }),
    );
  });

  it('lead every answer to its command', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.json(), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.nat(),
        async (values, places, turn) => {
          const [output, input] = [new PassThrough(), new PassThrough()];
          output.write(`${JSON.stringify(greeting)}\n`);
          input.once('data', () => output.write('{"return": {}, "id": 1}\n'));
          const client = await QmpClient.over({ output, input });
          const answers = values.map((_, index) => client.execute(`command-${index}`));
          const lines = values.map((value, index) => `{"return": ${value}, "id": ${index + 2}}\n`);
          const start = turn % lines.length;
          const turned = [...lines.slice(start), ...lines.slice(0, start)];
          for (const part of cut(Buffer.from(turned.join('')), places)) output.write(part);
          expect(await Promise.all(answers)).toEqual(values.map((value) => JSON.parse(value)));
          await client.close();
        },
      ),
      { numRuns: 50 },
    );
  }, 60_000);

  it('never make the parser throw', () => {
    const message = fc.record(
      {
        event: fc.anything(),
        data: fc.anything(),
        timestamp: fc.anything(),
        return: fc.anything(),
        error: fc.anything(),
        QMP: fc.anything(),
        id: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const json = message.map((object) => {
      try {
        return JSON.stringify(object);
      } catch {
        return '{}';
      }
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), json), (line) => {
        parseMessage(line);
      }),
      // An event whose name can't be made a string.
      { examples: [['{"event":[{"toString":false}]}']], numRuns: 2000 },
    );
  });
});
