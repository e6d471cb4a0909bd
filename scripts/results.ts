// How many tests passed, failed and were skipped, and why; also read from the JUnit files of ctest and GoogleTest.
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  readonly name: string;
  readonly outcome: Outcome;
  readonly reason?: string;
}

export function onePass(name: string): TestResult {
  return { name, outcome: 'passed' };
}

export function oneFailure(name: string, reason?: string): TestResult {
  return { name, outcome: 'failed', ...(reason === undefined ? {} : { reason }) };
}

export function oneSkip(name: string, reason: string): TestResult {
  return { name, outcome: 'skipped', reason };
}

export class Tally {
  readonly #counts: Record<Outcome, number> = { passed: 0, failed: 0, skipped: 0 };
  /** The tests that did not pass. */
  readonly #others: TestResult[] = [];

  static of(tests: Iterable<TestResult>): Tally {
    const tally = new Tally();
    for (const test of tests) tally.add(test);
    return tally;
  }

  get passed(): number {
    return this.#counts.passed;
  }

  get failed(): number {
    return this.#counts.failed;
  }

  add(test: TestResult): void {
    this.#counts[test.outcome] += 1;
    if (test.outcome !== 'passed') this.#others.push(test);
  }

  addAll(tally: Tally): void {
    for (const outcome of ['passed', 'failed', 'skipped'] as const) {
      this.#counts[outcome] += tally.#counts[outcome];
    }
    this.#others.push(...tally.#others);
  }

  get summary(): string {
    const { passed, failed, skipped } = this.#counts;
    return `${passed} passed, ${failed} failed, ${skipped} skipped`;
  }

  /** A line for each test that did not pass, with the reason; skips for one reason share a line. */
  get lines(): string[] {
    const failures = this.#others.filter(({ outcome }) => outcome === 'failed');
    const skips = new Map<string | undefined, string[]>();
    for (const { outcome, name, reason } of this.#others) {
      if (outcome === 'skipped') skips.set(reason, [...(skips.get(reason) ?? []), name]);
    }
    const line = (outcome: Outcome, what = '', reason = '') =>
      `  ${outcome}: ${what}${reason ? `: ${reason}` : ''}`;
    return [
      ...failures.map(({ name, reason }) => line('failed', name, reason)),
      ...[...skips].map(([reason, [first, ...more]]) =>
        line('skipped', more.length > 0 ? `${first} and ${more.length} more` : first, reason),
      ),
    ];
  }
}

/** An element that may be there without attributes or text. */
const message = z.union([
  z.object({ '@message': z.string().default('') }),
  z.string().transform(() => ({ '@message': '' })),
]);
const testCase = z.object({
  '@name': z.string(),
  '@classname': z.string().default(''),
  '@status': z.string().default(''),
  'system-out': z.string().default(''),
  failure: z.array(message).optional(),
  skipped: z.array(message).optional(),
});
type TestCase = z.output<typeof testCase>;

const suite = z.union([
  z.object({ testcase: z.array(testCase).default([]) }),
  z.string().transform(() => ({ testcase: [] as TestCase[] })),
]);
/** ctest writes one suite, GoogleTest several in one element. */
const document = z.object({
  testsuite: z.array(suite).default([]),
  testsuites: z.object({ testsuite: z.array(suite).default([]) }).optional(),
});

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseAttributeValue: false,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => ['testsuite', 'testcase', 'failure', 'skipped'].includes(name),
});

function casesIn(xml: string): TestCase[] {
  const { testsuite, testsuites } = document.parse(parser.parse(xml));
  return [...testsuite, ...(testsuites?.testsuite ?? [])].flatMap(({ testcase }) => testcase);
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .slice(0, 300);
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

/** Why a test was skipped: what it printed (GoogleTest's way first), or what ctest says. */
function skipReason(output: string, said: string): string {
  const googleTest = /: Skipped\n([\s\S]*?)\n*\[ {2}SKIPPED \]/.exec(output)?.[1];
  return oneLine(googleTest || lastLine(output) || said || 'no reason given');
}

const sanitizerReport = /(?:ERROR|WARNING|SUMMARY): \w+Sanitizer.*|: runtime error: .*/;

/** What a test said first of its failure; one that died or took too long has said nothing. */
function failureReason(output: string, said: string): string {
  const googleTest = /^.*: Failure\n[\s\S]*?(?=\n\S*:\d+: Failure|\n\[|(?![\s\S]))/m.exec(output);
  const sanitizer = sanitizerReport.exec(output)?.[0];
  return oneLine(googleTest?.[0] || sanitizer || said || lastLine(output) || 'see the log');
}

function ctestResult(test: TestCase): TestResult {
  const { '@name': name, '@status': status, 'system-out': output } = test;
  const said = [...(test.skipped ?? []), ...(test.failure ?? [])][0]?.['@message'] ?? '';
  if (status === 'run') return onePass(name);
  if (status === 'disabled') return oneSkip(name, 'disabled');
  if (status === 'notrun' && said.startsWith('SKIP_') && !sanitizerReport.test(output)) {
    return oneSkip(name, skipReason(output, said));
  }
  // Also what could not be run at all, and what a sanitizer found after the test was skipped.
  return oneFailure(name, failureReason(output, said));
}

/** Every test of ctest's --output-junit. */
export function readCtest(xml: string): TestResult[] {
  return casesIn(xml).map(ctestResult);
}

/** Every case of a GoogleTest program, from the file that it writes at its end. */
export function readGoogleTest(xml: string): TestResult[] {
  return casesIn(xml).map((test) => {
    const name = `${test['@classname']}.${test['@name']}`;
    const [failure] = test.failure ?? [];
    if (failure) return oneFailure(name, oneLine(failure['@message']));
    const [skipped] = test.skipped ?? [];
    // Behind the place in the source.
    if (skipped) return oneSkip(name, oneLine(skipped['@message'].replace(/^\S+:\d+\n/, '')));
    return test['@status'] === 'run' ? onePass(name) : oneSkip(name, 'disabled');
  });
}
