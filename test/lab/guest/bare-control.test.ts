// Asking a bare guest that migrates, with a stand-in for each of its QEMUs.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { beforeEach, expect, it, type TestContext, vi } from 'vitest';
import { BareControl, type Side } from '../../../lib/lab/guest/bare-control.js';
import { SerialLine } from '../../../lib/qemu/machine/serial-line.js';

/** Of the stand-ins, while they run the guest: none for those that lost the question. */
type Answering = (question: string) => string;

class StandIn implements Side {
  readonly #qemu: Socket;
  readonly serial: SerialLine;
  /** Everything that it was asked. */
  asked = '';
  running = false;
  answering: Answering = () => '';
  /** Called when somebody asks whether the guest runs there. */
  onLook = () => {};

  private constructor(qemu: Socket, serial: SerialLine) {
    this.#qemu = qemu;
    this.serial = serial;
    qemu.setEncoding('latin1').on('data', (text: string) => {
      for (const question of text) {
        this.asked += question;
        this.say(this.answering(question));
      }
    });
    qemu.on('error', () => {});
  }

  static async create(context: TestContext): Promise<StandIn> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('there is no port');
    const socket = connect(address.port, '127.0.0.1');
    const [qemu] = (await once(server, 'connection')) as [Socket];
    server.close();
    const serial = new SerialLine(socket);
    context.onTestFinished(() => {
      serial.close();
      qemu.destroy();
    });
    return new StandIn(qemu, serial);
  }

  say(text: string): void {
    this.#qemu.write(text);
  }

  end(): void {
    this.running = false;
    this.#qemu.destroy();
  }

  isRunning(): Promise<boolean> {
    this.onLook();
    return Promise.resolve(this.running);
  }
}

const state = 'pass=00000009 bad=00000000 sum=deadbeef\n';
const answersAs =
  (pass: string): Answering =>
  (question) =>
    question === 'p' ? `pass=${pass}\n` : state;

let control: BareControl;
let source: StandIn;
let destination: StandIn;

beforeEach(async (context) => {
  control = new BareControl();
  source = await StandIn.create(context);
  source.running = true;
  source.answering = answersAs('00000003');
  destination = await StandIn.create(context);
  destination.answering = answersAs('00000007');
  control.connect(source);
  control.connect(destination);
});

function move(): void {
  source.running = false;
  destination.running = true;
}

it('asks the source until the guest has moved, then the destination', async () => {
  for (const _ of [1, 2, 3]) expect(await control.ask('p')).toEqual([3]);
  expect(destination.asked).toBe('');
  move();
  expect(await control.ask('p')).toEqual([7]);
  expect(source.asked).toBe('ppp');
});

it('asks again at the destination if the guest moved before it answered', async () => {
  let heard = () => {};
  const lost = new Promise<void>((resolve) => {
    heard = resolve;
  });
  source.answering = () => {
    heard();
    return 'pass=000';
  };
  const answer = control.ask('p');
  await lost;
  // What was left to say.
  destination.say('00003\n');
  move();
  expect(await answer).toEqual([7]);
});

it('does not mistake a late answer for the answer to another question', async () => {
  source.running = false;
  const answer = control.ask('p');
  destination.answering = (question) =>
    `pass=00000006\n${answersAs('00000007')(question)}pass=00000008\n`;
  move();
  expect(await answer).toEqual([6]);
  destination.answering = (question) => `pass=00000008\n${answersAs('00000008')(question)}`;
  expect(await control.ask('?')).toEqual([9, 0, 0xdeadbeef]);
});

it('gives the guest time to answer only while it runs', async (context) => {
  // A clock that a busy machine can't make late: it goes on with each look.
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  context.onTestFinished(() => clock.mockRestore());
  const impatient = new BareControl(300);
  const only = await StandIn.create(context);
  only.answering = answersAs('00000003');
  impatient.connect(only);
  const answer = impatient.ask('p');
  await new Promise<void>((resolve) => {
    only.onLook = () => {
      nowMs += 100;
      if (nowMs === 900) resolve();
    };
  });
  only.running = true;
  expect(await answer).toEqual([3]);
  only.answering = () => 'oh\n';
  await expect(impatient.ask('p')).rejects.toThrow(
    /No answer to "p" within 300 ms; the guest sent last: oh/,
  );
});

it('fails when the last QEMU has ended, and not before', async () => {
  move();
  source.end();
  expect(await control.ask('p')).toEqual([7]);
  destination.answering = () => '';
  const answer = control.ask('p');
  destination.end();
  await expect(answer).rejects.toThrow(/has ended/);
  await expect(control.ask('?')).rejects.toThrow(/has ended/);
});
