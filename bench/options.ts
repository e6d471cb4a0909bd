// The command line of `npm run bench`: checked once, here, before anything is made or measured.
import { type AlgorithmName, algorithmNames, OptionError } from '../lib/index.js';
import { parseFlags } from './command-line.js';
import { type Contents, contentNames } from './contents.js';
import { isAsync, type Mode, modes } from './implementations/implementation.js';

export const pageSizesBytes = [4096, 16384, 65536] as const;

export interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly check: boolean;
  readonly out: string;
  readonly compare: string | undefined;
  readonly algorithms: readonly AlgorithmName[];
  readonly pageSizesBytes: readonly number[];
  readonly contents: readonly Contents[];
  readonly modes: readonly Mode[];
  /** An upper bound. */
  readonly rounds: number;
  /** No round is begun that would probably end later than that. */
  readonly enoughAfterSeconds: number | undefined;
}

/** What else a quick run does takes some seconds as well. */
const quickSeconds = 50;

export const usage = `usage: npm run bench [-- options]
  --quick              random pages of 4096 bytes, modes batch and page, briefly: under a minute,
                       with fewer rounds where the machine is slow
  --algorithms A,B     only these: ${algorithmNames.slice(0, 6).join(', ')},
                       ${algorithmNames.slice(6).join(', ')}
  --page-size N,M      bytes, of ${pageSizesBytes.join(', ')}; default: all
  --contents A,B       of ${contentNames.join(', ')}; default: all
  --modes A,B          of ${modes.join(', ')}; default: all
  --rounds N           how often each case is measured, in a new process each time; default 5,
                       quick 3 if there is time
  --out DIR            where bench.json, .csv, .svg and .png are written; default build/bench
  --json               print the results as JSON instead of tables (npm run --silent bench -- --json)
  --compare FILE       say what became faster or slower since the run that wrote this bench.json
  --check              measure the goals as well, and what the binding costs over native code
  --help               this text
exit codes: 0 done; 1 something failed; 2 wrong options or file to compare with;
            3 a goal of --check was missed; 130, 143, 129 stopped by a signal`;

const shape = {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  out: { type: 'string', default: 'build/bench' },
  compare: { type: 'string' },
  algorithms: { type: 'string' },
  'page-size': { type: 'string' },
  contents: { type: 'string' },
  modes: { type: 'string' },
  rounds: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** What a quick run leaves out says little more about a hash. */
const waiting = modes.filter((mode) => !isAsync(mode));

/** The members of a list given as "a,b", each once, in the order of `all`; all when it was not given. */
function chosen<Value extends string>(
  option: string,
  given: string | undefined,
  all: readonly Value[],
): Value[] {
  if (given === undefined) return [...all];
  const names = given.split(',').map((name) => name.trim());
  for (const name of names) {
    if (all.some((value) => value === name)) continue;
    throw new OptionError(option, name === '' ? 'has an empty name' : `is '${name}'`, name, all);
  }
  return all.filter((value) => names.includes(value));
}

function roundsOf(given: string | undefined, quick: boolean): number {
  if (given === undefined) return quick ? 3 : 5;
  const rounds = Number(given);
  if (/^\d+$/.test(given) && rounds >= 1 && rounds <= 100) return rounds;
  throw new OptionError('--rounds', `is '${given}'; expected a whole number from 1 to 100`);
}

/** 'help' when that is all that was asked for. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const values = parseFlags(args, shape);
  if (values.help) return 'help';
  const { quick, json, check, out, compare } = values;
  if (out === '') throw new OptionError('--out', 'is empty; expected a folder');
  const sizes = pageSizesBytes.map(String);
  const given = {
    pageSizes: values['page-size'] ?? (quick ? '4096' : undefined),
    contents: values.contents ?? (quick ? 'random' : undefined),
    modes: values.modes ?? (quick ? waiting.join() : undefined),
  };
  return {
    quick,
    json,
    check,
    out,
    compare,
    algorithms: chosen('--algorithms', values.algorithms, algorithmNames),
    pageSizesBytes: chosen('--page-size', given.pageSizes, sizes).map(Number),
    contents: chosen('--contents', given.contents, contentNames),
    modes: chosen('--modes', given.modes, modes),
    rounds: roundsOf(values.rounds, quick),
    enoughAfterSeconds: quick && values.rounds === undefined ? quickSeconds : undefined,
  };
}
