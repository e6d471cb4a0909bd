// One running QEMU: its process, its QMP connection, its guest's serial port, its memory as a file.
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { QmpClient } from '../../qmp/client.js';
import { type Companion, type CompanionEnd, startCompanion } from '../../system/companion.js';
import { TimeoutError, within } from '../../system/deadline.js';
import type { Workspace } from '../../system/workspace.js';
import { QemuEndedError } from './errors.js';
import { type MemoryKind, memoryArguments, memoryWithoutName } from './memory.js';
import { SerialLine } from './serial-line.js';

/** One that fails says so at once: this is for one that hangs, and not for a machine that is busy. */
const startMs = 120_000;
const answerMs = 60_000;
/** QEMU greets once it has touched all memory that it is told to: so fast at least, on a busy machine too. */
const touchedBytesPerMs = 50_000;

/** Both QEMU 7.2 and 8.1 have it, so that a guest can migrate between them. */
const commonMachineType = 'pc-i440fx-7.2';

export type Accelerator = 'kvm' | 'tcg';

export interface MachineOptions {
  /** Names its files in the workspace, and the machine in messages. */
  readonly name: string;
  /** The QEMU to run. */
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly workspace: Workspace;
  readonly ramBytes: number;
  /** How many vCPUs it has; 1 when not given. */
  readonly vcpus?: number;
  /** One that QEMU 7.2 and 8.1 both have when not given. */
  readonly machineType?: string | undefined;
  /** What holds its memory; a file of its own when not given. */
  readonly memory?: MemoryKind;
  /** The file that holds its memory: another machine's, to share it. */
  readonly ramFile?: string;
  /** Options of the accelerator, such as "dirty-ring-size=4096". */
  readonly acceleratorOptions?: string;
  /** Runs instead of SeaBIOS. */
  readonly firmware?: string;
  /** Has the guest run at once, or as soon as it has arrived; otherwise it waits for `cont`. */
  readonly runs?: boolean;
  /** Waits for a migration, which `migrate-incoming` lets in. */
  readonly incoming?: boolean;
  /** Touches all guest memory first: for measurements. */
  readonly preallocate?: boolean;
  /** How many serial ports the guest has; 1 when not given. */
  readonly serialPorts?: number;
  /** Words that stand before QEMU's command line, such as those that choose its network. */
  readonly prefix?: readonly string[];
  /** Further arguments for QEMU. */
  readonly arguments?: readonly string[];
}

/** `output` is the end of what QEMU wrote on its standard output and error. */
export type MachineEnd = CompanionEnd;

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

function serialArguments(path: string, at: number): string[] {
  const id = `serial${at}`;
  return ['-chardev', `socket,id=${id},path=${path}`, '-serial', `chardev:${id}`];
}

function qemuArguments(
  options: MachineOptions,
  ramFile: string,
  qmp: string,
  serials: readonly string[],
) {
  const { accelerator, acceleratorOptions, firmware, ramBytes, incoming = false } = options;
  const { vcpus = 1 } = options;
  const { machineType = commonMachineType, memory: kind = 'file', preallocate = false } = options;
  const memory = { kind, ramBytes, file: ramFile, preallocate };
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none'],
    ...(options.runs ? [] : ['-S']),
    ...['-accel', [accelerator, acceleratorOptions].filter(Boolean).join(',')],
    ...(vcpus > 1 ? ['-smp', String(vcpus)] : []),
    ...memoryArguments(machineType, memory),
    ...['-chardev', `socket,id=qmp,path=${qmp}`, '-mon', 'chardev=qmp,mode=control'],
    ...serials.flatMap(serialArguments),
    ...(firmware ? ['-bios', firmware] : []),
    ...(incoming ? ['-incoming', 'defer'] : []),
    ...(options.arguments ?? []),
  ];
}

/** The file without a name that holds the memory of a process's guest, as others can open it. */
function memfdOf(pid: number): string {
  const directory = `/proc/${pid}/fd`;
  const name = readdirSync(directory).find((fd) =>
    readlinkSync(`${directory}/${fd}`).startsWith('/memfd:memory-backend-memfd'),
  );
  if (!name) throw new Error(`Process ${pid} has no memory without a name.`);
  return `${directory}/${name}`;
}

export class Machine {
  readonly name: string;
  readonly #ramFile: string | undefined;
  /** Resolves when the process has ended. */
  readonly ended: Promise<MachineEnd>;
  readonly #process: Companion;
  #links: { qmp: QmpClient; serials: readonly SerialLine[] } | undefined;

  private constructor(qemu: Companion, name: string, ramFile: string | undefined) {
    this.name = name;
    this.#ramFile = ramFile;
    this.#process = qemu;
    this.ended = qemu.ended.then((end) => {
      for (const serial of this.#links?.serials ?? []) serial.close();
      return end;
    });
  }

  /** Starts a QEMU whose guest is paused; `cont` lets it run. */
  static async start(options: MachineOptions): Promise<Machine> {
    const { name, binary, workspace, serialPorts = 1, memory = 'file', prefix = [] } = options;
    const { ramFile = workspace.path(`${name}.ram`) } = options;
    const qmpPath = workspace.path(`${name}.qmp`);
    const serialPaths = Array.from({ length: serialPorts }, (_, at) =>
      workspace.path(`${name}.serial${at}`),
    );
    const qmp = await listen(qmpPath);
    const serials = await Promise.all(serialPaths.map(listen));
    let machine: Machine | undefined;
    try {
      const qemu = [binary, ...qemuArguments(options, ramFile, qmpPath, serialPaths)];
      const process = await startCompanion([...prefix, ...qemu]);
      const file = memoryWithoutName.has(memory) ? undefined : ramFile;
      const started = new Machine(process, name, file);
      machine = started;
      const failed = started.ended.then((end) => {
        throw started.#failure('ended while it started', end);
      });
      const connected = Promise.all([
        qmp.connected,
        Promise.all(serials.map((serial) => serial.connected)),
      ]);
      const late = (): never => {
        throw new TimeoutError(`${name} (${binary}) did not connect within ${startMs} ms.`);
      };
      const [socket, serialSockets] = await within(
        startMs,
        Promise.race([connected, failed]),
        late,
      );
      const touchMs = options.preallocate ? Math.ceil(options.ramBytes / touchedBytesPerMs) : 0;
      const client = QmpClient.over(socket, { timeoutMs: answerMs + touchMs });
      started.#links = {
        serials: serialSockets.map((serial) => new SerialLine(serial)),
        qmp: await Promise.race([client, failed]),
      };
      return started;
    } catch (error) {
      await machine?.kill();
      throw error;
    } finally {
      qmp.server.close();
      for (const { server } of serials) server.close();
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  get qmp(): QmpClient {
    return this.#connected.qmp;
  }

  /** The first serial port. */
  get serial(): SerialLine {
    return this.serialPort(0);
  }

  serialPort(number: number): SerialLine {
    const port = this.#connected.serials[number];
    if (!port) throw new RangeError(`${this.name} has no serial port ${number}.`);
    return port;
  }

  /** The file that holds guest memory, for as long as the process runs at least. */
  get ramFile(): string {
    return this.#ramFile ?? memfdOf(this.pid);
  }

  /** Waits for the end and says what it was: for when something else broke because QEMU did. */
  async explainEnd(): Promise<Error> {
    return this.#failure('ended', await this.ended);
  }

  /** Ends the process at once. The guest is lost; the files stay until the workspace goes. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
    await this.#links?.qmp.close();
  }

  get #connected() {
    if (!this.#links) throw new Error(`${this.name} has not started yet.`);
    return this.#links;
  }

  #failure(what: string, end: MachineEnd): QemuEndedError {
    return new QemuEndedError(`QEMU "${this.name}" ${what}`, end);
  }
}
