// The load generator for memcached, against servers with a defect each.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it, type TestContext } from 'vitest';
import type { GuestMessage } from '../../../lib/lab/guest/guest-message.js';
import { OutsideProgram } from '../../../lib/lab/workloads/outside-program.js';

const connections = 3;
const host = { name: 'client', prefix: [], address: null };

/** What becomes of an answer, and of the connection that it is sent through. */
type Answering = (socket: Socket, answer: string, answers: number) => void;

/** As much of memcached as the load needs; one of its connections is treated otherwise. */
async function listen(context: TestContext, answerOne: Answering): Promise<number> {
  const values = new Map<string, string>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const isOne = sockets.push(socket) === connections;
    let asked = '';
    let answers = 0;
    const answer = (text: string) => {
      answers += 1;
      if (isOne) answerOne(socket, text, answers);
      else socket.write(text);
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      asked += text;
      const [line = '', value] = asked.split('\r\n');
      const [verb, key = ''] = line.split(' ');
      if (!asked.endsWith('\r\n') || (verb === 'set' && asked.split('\r\n').length < 3)) return;
      asked = '';
      if (verb === 'set') values.set(key, value ?? '');
      const held = values.get(key);
      const got = held === undefined ? '' : `VALUE ${key} 0 ${held.length}\r\n${held}\r\n`;
      answer(verb === 'set' ? 'STORED\r\n' : `${got}END\r\n`);
    });
    socket.on('error', () => {});
  });
  context.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

const keys = 30;
/** More than it takes to set all keys, and little enough for some tenths of a second of work. */
const later = keys;

const cases: readonly { name: string; answerOne: Answering; broken: number; wrong: number }[] = [
  { name: 'nothing', answerOne: (socket, answer) => socket.write(answer), broken: 0, wrong: 0 },
  {
    name: 'a connection that falls silent',
    answerOne: (socket, answer, answers) => answers < later && socket.write(answer),
    broken: 1,
    wrong: 0,
  },
  {
    name: 'a connection that is lost',
    answerOne: (socket, answer, answers) => {
      if (answers < later) socket.write(answer);
      else socket.destroy();
    },
    broken: 1,
    wrong: 0,
  },
  {
    name: 'a wrong answer',
    answerOne: (socket, answer, answers) =>
      socket.write(answers === later ? answer.replace(/[a-p]\r\nEND/, 'q\r\nEND') : answer),
    broken: 0,
    wrong: 1,
  },
];

it.for(cases)('finds $name', async ({ answerOne, broken, wrong }, context) => {
  const port = await listen(context, answerOne);
  const options = { port, connections, keys, value_bytes: 64, gets_percent: 100 };
  const paced = { ...options, operations_per_second: 2000, silence_seconds: 1 };
  const words = Object.entries(paced).map(([name, value]) => `${name}=${value}`);
  const messages: GuestMessage[] = [];
  let reported = () => {};
  const enough = new Promise<void>((resolve) => {
    reported = resolve;
  });
  const load = { program: 'key-value-load', arguments: words };
  const onMessage = (message: GuestMessage) => {
    messages.push(message);
    if (message.type === 'report' && message.operations > connections * 2 * later) reported();
  };
  const program = await OutsideProgram.start(host, load, { onMessage });
  await enough;
  const { status, complaint } = await program.stop();
  expect(complaint).toBe('');
  expect(status).toBe(broken + wrong > 0 ? 1 : 0);
  const checks = messages.filter(({ type }) => type === 'check');
  expect(checks).toMatchObject([
    { what: 'answers', wrong },
    { what: 'connections', checked: connections, wrong: broken },
  ]);
});

it('reports progress while it prepares and checks, and counts neither as operations', async (context) => {
  // Slowly, so that there is time to say something.
  const port = await listen(context, (socket, answer) =>
    setTimeout(() => socket.write(answer), 50),
  );
  const words = Object.entries({ port, connections, keys: 100, operations_per_second: 10 });
  const messages: GuestMessage[] = [];
  let reported = () => {};
  const works = new Promise<void>((resolve) => {
    reported = resolve;
  });
  const onMessage = (message: GuestMessage) => {
    messages.push(message);
    if (message.type === 'report' && message.operations > 0) reported();
  };
  const load = { program: 'key-value-load', arguments: words.map((word) => word.join('=')) };
  const program = await OutsideProgram.start(host, load, { onMessage });
  await works;
  await program.stop();
  const kinds = messages.map((message) =>
    message.type === 'progress' ? message.text.replace(/^[1-9]\d* of 100 /, '') : message.type,
  );
  expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
    ...['keys set', 'running', 'report', 'keys checked', 'check'],
  ]);
  const operations = messages.map((message) =>
    message.type === 'report' ? message.operations : 0,
  );
  // The keys that it set and checked would be 100 each; at ten a second it works much less before it is stopped.
  expect(Math.max(...operations)).toBeLessThan(100);
});
