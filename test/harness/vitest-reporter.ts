// A Vitest reporter for scripts/vitest.ts: each test with its outcome. The JSON one that Vitest has leaves out why a
// test was skipped.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

type Errors = readonly { readonly message: string }[] | undefined;

interface Result {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason?: string | undefined;
}

function firstLine(errors: Errors): string | undefined {
  return errors?.[0]?.message.split('\n', 1)[0];
}

function resultOf(test: TestCase, file: string): Result {
  const name = `${file} > ${test.fullName}`;
  const result = test.result();
  switch (result.state) {
    case 'passed':
      return { name, outcome: 'passed' };
    case 'failed':
      return { name, outcome: 'failed', reason: firstLine(result.errors) };
    case 'skipped': {
      const reason = result.note ?? `marked as ${test.options.mode} in its file`;
      return { name, outcome: 'skipped', reason };
    }
    case 'pending':
      // The run ended before the test did.
      return { name, outcome: 'failed', reason: 'did not end' };
  }
}

function resultsOf(module: TestModule): Result[] {
  const file = relative(process.cwd(), module.moduleId);
  const failed = (name: string, error: { readonly message: string }): Result => ({
    name,
    outcome: 'failed',
    reason: firstLine([error]),
  });
  return [
    ...module.errors().map((error) => failed(file, error)),
    ...[...module.children.allSuites()].flatMap((suite) =>
      suite.errors().map((error) => failed(`${file} > ${suite.fullName}`, error)),
    ),
    ...[...module.children.allTests()].map((test) => resultOf(test, file)),
  ];
}

export default class VitestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: Errors): void {
    const results = modules.flatMap(resultsOf);
    for (const error of unhandledErrors ?? []) {
      results.push({ name: 'vitest', outcome: 'failed', reason: firstLine([error]) });
    }
    const { FAKEDIRTY_VITEST_RESULTS: file = '' } = process.env;
    writeFileSync(file, JSON.stringify(results));
  }
}
