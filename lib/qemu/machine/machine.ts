// One running QEMU: its process, its QMP connection, its guest's serial port, its memory as a file.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { QmpClient } from '../../qmp/client.js';
import { undoAtExit } from './cleanup.js';
import { type MemoryKind, memoryArguments } from './memory.js';
import { SerialLine } from './serial-line.js';
import type { Workspace } from './workspace.js';

const startMs = 30_000;
const outputKept = 20_000;
const setpriv = '/usr/bin/setpriv';

/** Both QEMU 7.2 and 8.1 have it, so that a guest can migrate between them. */
const machineType = 'pc-i440fx-7.2';

export type Accelerator = 'kvm' | 'tcg';

export interface MachineOptions {
  /** Of the files in the workspace, and in messages. */
  readonly name: string;
  /** The QEMU to run. */
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly workspace: Workspace;
  readonly ramBytes: number;
  /** What holds its memory; a file of its own when not given. */
  readonly memory?: MemoryKind;
  /** The file that holds its memory: another machine's, to share it. */
  readonly ramFile?: string;
  /** Of the accelerator, such as "dirty-ring-size=4096". */
  readonly acceleratorOptions?: string;
  /** Runs instead of SeaBIOS. */
  readonly firmware?: string;
  /** Waits for a migration, which `migrate-incoming` lets in. */
  readonly incoming?: boolean;
  /** Touches all guest memory first: for measurements. */
  readonly preallocate?: boolean;
  /** Further arguments for QEMU. */
  readonly arguments?: readonly string[];
}

export interface MachineEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what QEMU wrote on its standard output and error. */
  readonly output: string;
}

/** QEMU connects to us: nobody has to wait for its sockets to appear. */
function listen(path: string): Promise<{ server: Server; connected: Promise<Socket> }> {
  const server = createServer();
  const connected = new Promise<Socket>((resolve) => {
    server.once('connection', (socket) => {
      server.close();
      resolve(socket);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve({ server, connected }));
  });
}

function qemuArguments(options: MachineOptions, ramFile: string, qmp: string, serial: string) {
  const { accelerator, acceleratorOptions, firmware, ramBytes, incoming = false } = options;
  const { memory: kind = 'file', preallocate = false } = options;
  const memory = { kind, ramBytes, file: ramFile, preallocate };
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-S'],
    ...['-accel', [accelerator, acceleratorOptions].filter(Boolean).join(',')],
    ...memoryArguments(machineType, memory),
    ...['-chardev', `socket,id=qmp,path=${qmp}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `socket,id=serial,path=${serial}`, '-serial', 'chardev:serial'],
    ...(firmware ? ['-bios', firmware] : []),
    ...(incoming ? ['-incoming', 'defer'] : []),
    ...(options.arguments ?? []),
  ];
}

/** With setpriv, the kernel ends QEMU when this process dies, even by SIGKILL. */
function commandLine(binary: string, args: string[]): [string, string[]] {
  if (!existsSync(setpriv)) return [binary, args];
  return [setpriv, ['--pdeathsig', 'KILL', binary, ...args]];
}

export class Machine {
  readonly name: string;
  readonly ramFile: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<MachineEnd>;
  readonly #child: ChildProcess;
  #links: { qmp: QmpClient; serial: SerialLine } | undefined;

  private constructor(child: ChildProcess, name: string, ramFile: string) {
    this.name = name;
    this.ramFile = ramFile;
    this.#child = child;
    const forget = undoAtExit(() => child.kill('SIGKILL'));
    let output = '';
    const keep = (text: string) => {
      output = (output + text).slice(-outputKept);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => keep(error.message));
      child.once('close', (exitCode, signal) => {
        forget();
        this.#links?.serial.close();
        resolve({ exitCode, signal, output: output.trim() });
      });
    });
  }

  /** Starts a QEMU whose guest is paused; `cont` lets it run. */
  static async start(options: MachineOptions): Promise<Machine> {
    const { name, binary, workspace } = options;
    const { ramFile = workspace.path(`${name}.ram`) } = options;
    const paths = [workspace.path(`${name}.qmp`), workspace.path(`${name}.serial`)] as const;
    const [qmp, serial] = [await listen(paths[0]), await listen(paths[1])];
    let machine: Machine | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      const [command, args] = commandLine(binary, qemuArguments(options, ramFile, ...paths));
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const started = new Machine(child, name, ramFile);
      machine = started;
      const failed = started.ended.then((end) => {
        throw started.#failure('ended while it started', end);
      });
      const late = new Promise<never>((_, reject) => {
        const message = `${name} (${binary}) did not connect within ${startMs} ms.`;
        timer = setTimeout(() => reject(new Error(message)), startMs);
      });
      const [socket, serialSocket] = await Promise.race([
        Promise.all([qmp.connected, serial.connected]),
        failed,
        late,
      ]);
      const client = QmpClient.over(socket);
      started.#links = {
        serial: new SerialLine(serialSocket),
        qmp: await Promise.race([client, failed]),
      };
      return started;
    } catch (error) {
      await machine?.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      qmp.server.close();
      serial.server.close();
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get qmp(): QmpClient {
    return this.#connected.qmp;
  }

  get serial(): SerialLine {
    return this.#connected.serial;
  }

  /** Waits for the end and says what it was: for when something else broke because QEMU did. */
  async explainEnd(): Promise<Error> {
    return this.#failure('ended', await this.ended);
  }

  /** Ends the process at once. The guest is lost; the files stay until the workspace goes. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
    await this.#links?.qmp.close();
  }

  get #connected() {
    if (!this.#links) throw new Error(`${this.name} has not started yet.`);
    return this.#links;
  }

  #failure(what: string, { exitCode, signal, output }: MachineEnd): Error {
    const how = signal ?? `exit code ${exitCode}`;
    return new Error(`QEMU "${this.name}" ${what} (${how}). It said: ${output || 'nothing'}`);
  }
}
