// The steps from a source to a QEMU that can be run, in a directory that the caller removes.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors/message-of.js';
import { type Run, type StepDescription, StepFailed, step } from '../../system/step.js';
import { writeRecord } from './built.js';
import { QemuBuildError } from './errors.js';
import { buildOptionRoms, copyFirmware, install, installedFiles, mesonOf } from './install.js';
import { buildLibrary, type Library, libraryDigest } from './library.js';
import { watchMigration } from './sanitizers.js';
import { applySeries, type Series } from './series.js';
import { type Source, unpack } from './source.js';
import { crippled, keepTests, makeBroken, makeCrippled } from './test-programs.js';
import { type QemuVersion, seriesOf, versionOfTree } from './versions.js';

export interface Making {
  readonly request: {
    readonly version: QemuVersion;
    readonly targets: readonly string[];
    readonly broken: readonly string[];
    readonly tests: boolean;
    readonly sanitize: boolean;
    readonly jobs: number;
  };
  readonly source: Source;
  readonly series: Series | undefined;
  /** Arguments of QEMU's configure. */
  readonly options: readonly string[];
  readonly compiler: string;
  /** Where it is made. */
  readonly building: string;
  /** Where it will lie. */
  readonly directory: string;
}

type Tools = { run: Run; log: string };

/** "[123/1442]" of ninja, as the last one in a log. */
function ninjaProgress(endOfLog: string): string | undefined {
  return [...endOfLog.matchAll(/\[(\d+\/\d+)\]/g)].at(-1)?.[1];
}

/** Names a full disk as the reason of a failure when it was. */
function diskFull(error: unknown, log: string, directory: string): unknown {
  const text = `${error instanceof Error ? error.message : ''}${readFileSync(log, 'utf8').slice(-20_000)}`;
  if (!/No space left on device|ENOSPC/.test(text)) return error;
  const message = `The disk is full: there is no room left in ${directory}.`;
  return new QemuBuildError('disk-full', message, { cause: error });
}

class Maker {
  readonly #making: Making;
  readonly #label: string;
  readonly #tree: string;
  readonly #objects: string;
  readonly #root: string;
  readonly #programs: readonly string[];
  #environment: Record<string, string> = {};
  #library: Library | undefined;

  constructor(making: Making) {
    const { building, request, series } = making;
    this.#making = making;
    this.#label = `QEMU ${request.version}${series ? '' : ' without the series'}`;
    this.#tree = join(building, 'tree');
    this.#objects = join(building, 'objects');
    this.#root = join(building, 'root');
    this.#programs = request.targets.map(
      (target) => `qemu-system-${target.replace(/-softmmu$/, '')}`,
    );
  }

  async make(): Promise<void> {
    const begun = performance.now();
    const fullVersion = await this.#unpack();
    await this.#patch();
    await this.#configure();
    const meson = mesonOf(this.#tree, this.#objects);
    const files = await installedFiles(meson, this.#objects);
    await this.#compile(files);
    const installed = join(this.#root, this.#making.directory);
    await this.#step('installing', 'install', async ({ run }) => {
      await install(meson, this.#objects, this.#root, run);
      const data = join(installed, 'share', 'qemu');
      copyFirmware(this.#tree, data);
      await buildOptionRoms(this.#tree, data, run);
    });
    const { request, source, series, options, compiler, directory } = this.#making;
    const workshop = {
      tree: this.#tree,
      objects: this.#objects,
      installed,
      program: this.#programs[0] ?? '',
      compile: (what: string, files: readonly string[], before?: () => void) =>
        this.#compile(files, what, before),
    };
    const tests = request.tests
      ? await keepTests(workshop, series !== undefined, request.sanitize)
      : {};
    const broken: Record<string, string> = {};
    for (const name of request.broken) {
      const isCrippled = name === crippled && this.#library;
      broken[name] = isCrippled
        ? await makeCrippled(workshop, isCrippled)
        : await makeBroken(workshop, name);
    }
    writeRecord(installed, {
      version: request.version,
      fullVersion,
      series: series?.digest ?? null,
      library: series ? libraryDigest(compiler) : null,
      source: source.description,
      options: [...options],
      compiler,
      programs: Object.fromEntries(
        request.targets.map((target, index) => [target, join('bin', this.#programs[index] ?? '')]),
      ),
      broken,
      tests,
      sanitized: request.sanitize,
      builtAt: new Date().toISOString(),
      seconds: Math.round((performance.now() - begun) / 1000),
    });
    rmSync(directory, { recursive: true, force: true });
    renameSync(installed, directory);
  }

  #unpack(): Promise<string> {
    const { source, request } = this.#making;
    return this.#step('unpacking', 'unpack', async ({ run }) => {
      await unpack(source, this.#tree, run);
      const version = versionOfTree(this.#tree);
      if (seriesOf(version) === request.version) return version;
      throw new QemuBuildError(
        'no-source',
        `This is QEMU ${version} (${source.description}); --version asks for ${request.version}.`,
      );
    });
  }

  async #patch(): Promise<void> {
    const { series, compiler, request } = this.#making;
    if (!series) return;
    await this.#step('applying the series', 'series', (tools) =>
      applySeries(series, this.#tree, tools),
    );
    this.#library = await buildLibrary(compiler, request.jobs, request.broken.includes(crippled));
    const { PKG_CONFIG_PATH } = process.env;
    const path = [this.#library.pkgConfig, PKG_CONFIG_PATH].filter(Boolean).join(':');
    this.#environment = { PKG_CONFIG_PATH: path };
  }

  async #configure(): Promise<void> {
    const { directory, options, request } = this.#making;
    await this.#step('configuring', 'configure', async ({ run }) => {
      mkdirSync(this.#objects);
      // The prefix is where it will lie; QEMU finds its data relative to its program, too.
      await run(
        join(this.#tree, 'configure'),
        [`--prefix=${directory}`, '--libdir=lib', ...options],
        { cwd: this.#objects, env: this.#environment },
      );
      if (!request.sanitize) return;
      const rules = join(this.#objects, 'build.ninja');
      writeFileSync(rules, watchMigration(readFileSync(rules, 'utf8'), this.#programs));
    });
  }

  async #compile(
    files: readonly string[],
    what = 'compiling',
    before: () => void = () => {},
  ): Promise<void> {
    const args = ['-C', this.#objects, '-j', String(this.#making.request.jobs), ...files];
    await this.#step(
      what,
      what.replaceAll(' ', '-'),
      ({ run }) => {
        before();
        return run('ninja', args, { env: this.#environment });
      },
      ninjaProgress,
    );
  }

  /** A step whose failure says of what kind it is. */
  async #step<T>(
    what: string,
    log: string,
    body: (tools: Tools) => Promise<T>,
    progress?: StepDescription['progress'],
  ): Promise<T> {
    const title = `${this.#label}: ${what}`;
    const description = { title, log: `qemu-${log}`, ...(progress ? { progress } : {}) };
    try {
      return await step(description, async (tools) => {
        try {
          return await body(tools);
        } catch (error) {
          throw diskFull(error, tools.log, this.#making.building);
        }
      });
    } catch (error) {
      const cause = error instanceof StepFailed ? error.cause : error;
      if (cause instanceof QemuBuildError) throw cause;
      const reason = messageOf(cause);
      throw new QemuBuildError('compilation', `${title} failed: ${reason}`, { cause });
    }
  }
}

export function make(making: Making): Promise<void> {
  return new Maker(making).make();
}
