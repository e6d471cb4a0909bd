// Reads the JUnit files that ctest and GoogleTest write. Both escape all text in attributes and
// ctest all other text as well, so tags can't appear inside it.

const entities = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return entities[name] ?? whole;
  });
}

function attribute(tag, name) {
  const match = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return match ? unescaped(match[1]) : '';
}

function oneLine(text) {
  return text
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .slice(0, 300);
}

function lastLine(output) {
  return output.trim().split('\n').at(-1);
}

/** Why a test was skipped: what it printed (GoogleTest's way first), or what ctest says. */
function skipReason(output, message) {
  const googleTest = /: Skipped\n([\s\S]*?)\n*\[ {2}SKIPPED \]/.exec(output)?.[1];
  return oneLine(googleTest || lastLine(output) || message || 'no reason given');
}

const sanitizerReport = /(?:ERROR|WARNING|SUMMARY): \w+Sanitizer.*|: runtime error: .*/;

/** What a test said first of its failure; one that died or took too long has said nothing. */
function failureReason(output, message) {
  const googleTest = /^.*: Failure\n[\s\S]*?(?=\n\S*:\d+: Failure|\n\[|(?![\s\S]))/m.exec(
    output,
  )?.[0];
  const sanitizer = sanitizerReport.exec(output)?.[0];
  return oneLine(googleTest || sanitizer || message || lastLine(output) || 'see the log');
}

function* testcases(xml) {
  const pattern = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const [, tag, body = ''] of xml.matchAll(pattern)) yield { tag, body };
}

/** Every test as { name, outcome: 'passed' | 'failed' | 'skipped', reason }. */
export function readJunit(xml) {
  const tests = [];
  for (const { tag, body } of testcases(xml)) {
    const name = attribute(tag, 'name');
    const status = attribute(tag, 'status');
    const output = unescaped(/<system-out>([\s\S]*?)<\/system-out>/.exec(body)?.[1] ?? '');
    const message = attribute(/<(?:skipped|failure)\b[^>]*>/.exec(body)?.[0] ?? '', 'message');
    if (status === 'run') {
      tests.push({ name, outcome: 'passed' });
    } else if (status === 'disabled') {
      tests.push({ name, outcome: 'skipped', reason: 'disabled' });
    } else if (status === 'notrun' && /^SKIP_/.test(message) && !sanitizerReport.test(output)) {
      tests.push({ name, outcome: 'skipped', reason: skipReason(output, message) });
    } else {
      // Also what could not be run at all, and what a sanitizer found after the test was skipped.
      tests.push({ name, outcome: 'failed', reason: failureReason(output, message) });
    }
  }
  return tests;
}

/** Every case of a GoogleTest program, in the same form, from the file that it writes at its end. */
export function readGoogleTest(xml) {
  const tests = [];
  for (const { tag, body } of testcases(xml)) {
    const name = `${attribute(tag, 'classname')}.${attribute(tag, 'name')}`;
    const other = /<(skipped|failure)\b[^>]*>/.exec(body);
    if (other) {
      const message = attribute(other[0], 'message');
      tests.push(
        other[1] === 'failure'
          ? { name, outcome: 'failed', reason: oneLine(message) }
          : // Behind the place in the source.
            { name, outcome: 'skipped', reason: oneLine(message.replace(/^\S+:\d+\n/, '')) },
      );
    } else if (attribute(tag, 'status') === 'run') {
      tests.push({ name, outcome: 'passed' });
    } else {
      tests.push({ name, outcome: 'skipped', reason: 'disabled' });
    }
  }
  return tests;
}
