// Kills whatever takes part in a move by libvirt, at random moments: no guest runs twice, none goes back to what it was
// before, and none is lost but by the death of what held it.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { fakedirty } from '../../cli/fakedirty.js';
import { DrainProcess, SiteJournal } from '../../harness/drain-process.js';
import { LibvirtHosts } from '../../harness/libvirt-hosts.js';
import { Chance, endDrain, goOn, killsOf, storySince, Tally } from '../../harness/random-kills.js';
import { needQemu } from '../../harness/requirements.js';

const kills = killsOf(1);
const names = ['h1', 'h2'] as const;
/** It ends by itself, or libvirt's own time-outs end it: 30 s each. */
const settleMs = 100_000;
/** How long a daemon that was killed is away. */
const awayMs = 500;
const goOnMs = 5000;

const victims = [
  ['controller'],
  ['source daemon'],
  ['destination daemon'],
  ['source'],
  ['destination'],
  ['controller', 'source daemon'],
  ['controller', 'destination daemon'],
  ['source daemon', 'destination daemon'],
] as const;
const methods = [
  ['--method', 'pre-copy'],
  ['--method', 'hybrid'],
  ['--method', 'post-copy'],
  ['--method', 'hybrid', '--policy', 'intelligent-hybrid:threshold=1,watch=1'],
] as const;

/** Two hosts and a VM that is moved again and again, and one that takes its place when it is lost. */
class Scene {
  readonly hosts: LibvirtHosts;
  readonly journal: SiteJournal;
  vm = 'web0';
  /** What daemons had logged that were gone before they were killed. */
  readonly diedByThemselves: string[] = [];
  #vms = 0;
  #passes = 0;

  private constructor(hosts: LibvirtHosts) {
    this.hosts = hosts;
    this.journal = new SiteJournal(hosts);
  }

  static async start(context: TestContext): Promise<Scene> {
    const { binary } = needQemu(context);
    const options = { binary, vms: {}, megabitsPerSecond: 60, room: 64 * 1024 * 1024 };
    const scene = new Scene(await LibvirtHosts.start(context, options));
    await scene.replace();
    return scene;
  }

  async replace(): Promise<void> {
    this.vm = `web${this.#vms}`;
    this.#vms += 1;
    this.#passes = 0;
    const guest = { pattern: 'rewrite', pages: 1500, spins: 200 } as const;
    await this.hosts.addVm(this.vm, { host: 'h1', guest });
  }

  get host(): 'h1' | 'h2' {
    return stateOf(this.journal.entries).places.get(this.vm)?.host === 'h2' ? 'h2' : 'h1';
  }

  async kill(victim: string): Promise<void> {
    const source = this.hosts.host(this.host);
    const destination = this.hosts.host(this.host === 'h1' ? 'h2' : 'h1');
    const host = victim.startsWith('source') ? source : destination;
    if (!victim.endsWith('daemon')) {
      // It may not be there yet, or not any more.
      await host.killQemu(this.vm).catch(() => {});
      return;
    }
    const said = await host.killDaemon();
    // Once in some hundred kills, why is not known: it is told in the end.
    if (said !== undefined) this.diedByThemselves.push(said);
    await pause(awayMs);
    await host.startDaemon();
  }

  /** Whether it had moved already when its QEMU was killed, where it runs. It is started there anew then. */
  async diedAfterwards(): Promise<boolean> {
    if ((await this.hosts.state(this.vm, this.host)) !== 'shut off') return false;
    await this.hosts.host(this.host).virsh.run(['start', this.vm]);
    await this.hosts.untilAtWork(this.vm, this.host);
    this.#passes = 0;
    return true;
  }

  /** Half of a guest may stand still at its source: that is its owner's, who ends it. */
  async endWhatIsLeft(): Promise<void> {
    for (const name of names) {
      const { virsh } = this.hosts.host(name);
      const { lines } = await virsh.attempt(['domstate', '--reason', this.vm]);
      if (lines[0]?.includes('post-copy failed')) await virsh.run(['destroy', this.vm]);
    }
  }

  /** All domains of both hosts, as libvirt lists them. */
  async listed(): Promise<string> {
    const vms = Array.from({ length: this.#vms }, (_, at) => `web${at}`);
    const told = names.flatMap((name) =>
      vms.map(async (vm) => {
        const { virsh } = this.hosts.host(name);
        const { lines, succeeded } = await virsh.attempt(['domstate', '--reason', vm]);
        return succeeded ? [`${vm} at ${name}: ${lines[0]}`] : [];
      }),
    );
    return (await Promise.all(told)).flat().join('\n');
  }

  /** It runs once, unharmed, and no older than before; or nowhere. */
  async check(what: string, isLost: boolean): Promise<void> {
    const states = await Promise.all(names.map((name) => this.hosts.state(this.vm, name)));
    const where = names.filter((_, at) => states[at] === 'running');
    expect(where.length, `${what}: ${states}`).toBe(isLost ? 0 : 1);
    const [at] = where;
    if (!at) return;
    expect(at, what).toBe(this.host);
    const { wrongWords, passes } = await this.hosts.guest(this.vm, at);
    expect(wrongWords, what).toBe(0);
    expect(passes, what).toBeGreaterThanOrEqual(this.#passes);
    this.#passes = passes;
  }
}

it(
  `after ${kills} kills`,
  async (context) => {
    const scene = await Scene.start(context);
    const { hosts, journal } = scene;
    const chance = new Chance();
    const tally = new Tally(context);
    let toldBefore = '';
    const isController = (one: string) => one === 'controller';
    for (let kill = 0; kill < kills; ) {
      const victim: readonly string[] = chance.oneOf(victims);
      const method = chance.oneOf(methods);
      const delayMs = chance.upTo(3000);
      const what = `kill ${kill}: ${victim} after ${Math.round(delayMs)} ms, ${method.join(' ')}`;
      const before = journal.entries.length;
      const words = ['drain', scene.host, ...method];
      const drain = { site: hosts, journal, words };
      const first = new DrainProcess(context, hosts, words);
      const begun = first.writes(journal, before, ({ type }) => type === 'attempt');
      await begun.catch(async (error: Error) => {
        // What the kill before has left may be in the way.
        throw new Error(`${error.message}\n${await scene.listed()}\nBefore that: ${toldBefore}`);
      });
      await pause(delayMs);
      const isOver = journal.entries.slice(before).some(({ type }) => type === 'ended');
      if (!isOver) {
        kill += 1;
        if (victim.some(isController)) first.kill('SIGKILL');
        await Promise.all(victim.filter((one) => !isController(one)).map((one) => scene.kill(one)));
      }
      let { code, output } = await first.end;
      if (code === null) {
        // A daemon that was killed as well may wait for half a minute before it answers.
        const withinMs = victim.length === 1 ? goOnMs : settleMs;
        const told = () => `${what}\n${storySince(journal, before)}`;
        ({ code, output } = await (await goOn(context, drain, { withinMs, told })).end);
      }
      const told = `${what}\n${output}\n${storySince(journal, before)}`;
      toldBefore = told;
      if (code === 14) {
        // libvirt can't end a domain whose QEMU it was starting when it was killed: a person has it forget that.
        expect(victim, told).toContain('destination daemon');
        expect(told).toContain('cannot acquire state change lock');
        expect(fakedirty('settle', scene.vm, 'source', ...hosts.where).status, told).toBe(0);
        expect((await new DrainProcess(context, hosts, words).end).code, told).toBe(11);
        await hosts.host(scene.host === 'h1' ? 'h2' : 'h1').forget(scene.vm);
      }
      const isLost = stateOf(journal.entries).lost.has(scene.vm);
      const isOfQemu = victim.some((one) => one === 'source' || one === 'destination');
      if (isLost) expect(isOfQemu, told).toBe(true);
      const isTooLate = code === 0 && isOfQemu && (await scene.diedAfterwards());
      await scene.check(told, isLost);
      const outcome = isLost ? 'lost' : code === 0 ? 'moved' : code === 14 ? 'settled' : 'stayed';
      // A move that had ended is no kill.
      if (!isOver) tally.add(`${victim}`, isTooLate ? 'too late' : outcome);
      await endDrain(context, drain);
      if (isLost) await scene.endWhatIsLeft();
      if (isLost) await scene.replace();
    }
    console.log(`daemons that had ended by themselves: ${scene.diedByThemselves.length}`);
    for (const said of scene.diedByThemselves) console.log(said);
  },
  kills * settleMs,
);
