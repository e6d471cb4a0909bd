// How many tests passed, failed and were skipped, and why.

export function onePass(name) {
  return { name, outcome: 'passed' };
}

export function oneFailure(name, reason) {
  return { name, outcome: 'failed', reason };
}

export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** The tests that did not pass. */
  others = [];

  add(test) {
    this[test.outcome] += 1;
    if (test.outcome !== 'passed') this.others.push(test);
  }

  addAll(tally) {
    for (const outcome of ['passed', 'failed', 'skipped']) this[outcome] += tally[outcome];
    this.others.push(...tally.others);
  }

  get summary() {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }

  /** A line for each test that did not pass, with the reason; skips for one reason share a line. */
  print() {
    const skips = new Map();
    for (const test of this.others) {
      if (test.outcome !== 'skipped') printOne(test.outcome, test.name, test.reason);
      else skips.set(test.reason, [...(skips.get(test.reason) ?? []), test.name]);
    }
    for (const [reason, [first, ...more]] of skips) {
      printOne('skipped', more.length ? `${first} and ${more.length} more` : first, reason);
    }
  }
}

function printOne(outcome, what, reason) {
  console.log(`  ${outcome}: ${what}${reason ? `: ${reason}` : ''}`);
}
