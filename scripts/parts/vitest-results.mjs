// A Vitest reporter. The JSON one that Vitest has leaves out why a test was skipped.

import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

function firstLine(errors) {
  return errors?.[0]?.message?.split('\n', 1)[0];
}

export default class VitestResults {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = [];
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      for (const error of module.errors()) {
        tests.push({ name: file, outcome: 'failed', reason: firstLine([error]) });
      }
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) {
          const name = `${file} > ${suite.fullName}`;
          tests.push({ name, outcome: 'failed', reason: firstLine([error]) });
        }
      }
      for (const test of module.children.allTests()) {
        const { state, note, errors } = test.result();
        const name = `${file} > ${test.fullName}`;
        if (state === 'passed') tests.push({ name, outcome: 'passed' });
        else if (state === 'failed') {
          tests.push({ name, outcome: 'failed', reason: firstLine(errors) });
        } else if (state === 'skipped') {
          const reason = note ?? `marked as ${test.options.mode} in its file`;
          tests.push({ name, outcome: 'skipped', reason });
        } else {
          // Pending: the run ended before the test did.
          tests.push({ name, outcome: 'failed', reason: 'did not end' });
        }
      }
    }
    for (const error of unhandledErrors) {
      tests.push({ name: 'vitest', outcome: 'failed', reason: firstLine([error]) });
    }
    writeFileSync(process.env.FAKEDIRTY_VITEST_RESULTS, JSON.stringify(tests));
  }
}
