// What is read from the files of ctest and GoogleTest, and how it is summed up.
import { describe, expect, it } from 'vitest';
import {
  oneFailure,
  onePass,
  oneSkip,
  readCtest,
  readGoogleTest,
  Tally,
} from '../../scripts/results.js';

function ctest(...cases: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux-c++" tests="${cases.length}">
${cases.join('\n')}
</testsuite>`;
}

describe('a file of ctest', () => {
  it('says which tests passed, and unescapes their names', () => {
    const xml = ctest(
      '<testcase name="a &lt;b&gt; &amp; &quot;c&quot;" status="run" time="0.1"><system-out>x</system-out></testcase>',
      '<testcase name="d" status="run" time="0.2"/>',
    );
    expect(readCtest(xml)).toEqual([onePass('a <b> & "c"'), onePass('d')]);
  });

  it('says what a failed test said first', () => {
    const xml = ctest(
      `<testcase name="googletest" status="fail"><failure message="Failed"/>
<system-out>[ RUN      ] A.b
file.cc:12: Failure
Expected: (1) &lt; (0)
file.cc:20: Failure
later
</system-out></testcase>`,
      `<testcase name="sanitizer" status="fail"><failure message="Failed"/>
<system-out>x
==1==ERROR: AddressSanitizer: heap-use-after-free on address
</system-out></testcase>`,
      '<testcase name="timeout" status="fail"><failure message="Timeout"/><system-out></system-out></testcase>',
    );
    expect(readCtest(xml)).toEqual([
      oneFailure('googletest', 'file.cc:12: Failure Expected: (1) < (0)'),
      oneFailure('sanitizer', 'ERROR: AddressSanitizer: heap-use-after-free on address'),
      oneFailure('timeout', 'Timeout'),
    ]);
  });

  it('says why a test was skipped, unless a sanitizer found something all the same', () => {
    const skip = (name: string, output: string) =>
      `<testcase name="${name}" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>${output}</system-out></testcase>`;
    const xml = ctest(
      skip('why', 'no huge pages\n'),
      skip('silent', ''),
      skip('broken', 'x.cc:1:2: runtime error: shift\n'),
      '<testcase name="off" status="disabled"/>',
      '<testcase name="gone" status="notrun"><skipped message="Unable to find executable"/></testcase>',
    );
    expect(readCtest(xml)).toEqual([
      oneSkip('why', 'no huge pages'),
      oneSkip('silent', 'SKIP_RETURN_CODE=77'),
      oneFailure('broken', ': runtime error: shift'),
      oneSkip('off', 'disabled'),
      oneFailure('gone', 'Unable to find executable'),
    ]);
  });

  it('without tests holds none', () => {
    expect(readCtest('<testsuite name="empty" tests="0">\n</testsuite>')).toEqual([]);
  });
});

describe('a file of GoogleTest', () => {
  it('says how each case of each suite ended', () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="5" name="AllTests">
  <testsuite name="A">
    <testcase name="one" status="run" result="completed" classname="A" />
    <testcase name="two" status="run" result="completed" classname="A">
      <failure message="a.cc:3&#x0A;Expected equality&#10;of these"><![CDATA[a.cc:3
Expected equality]]></failure>
      <failure message="a second one"/>
    </testcase>
  </testsuite>
  <testsuite name="B">
    <testcase name="three" status="run" result="skipped" classname="B">
      <skipped message="b.cc:9&#x0A;needs AVX-512"><![CDATA[b.cc:9
needs AVX-512]]></skipped>
    </testcase>
    <testcase name="DISABLED_four" status="notrun" result="suppressed" classname="B" />
  </testsuite>
</testsuites>`;
    expect(readGoogleTest(xml)).toEqual([
      onePass('A.one'),
      oneFailure('A.two', 'a.cc:3 Expected equality of these'),
      oneSkip('B.three', 'needs AVX-512'),
      oneSkip('B.DISABLED_four', 'disabled'),
    ]);
  });

  it('that a program which died did not finish is an error', () => {
    expect(() => readGoogleTest('<testsuites><testsuite><testcase')).toThrow();
  });
});

describe('a tally', () => {
  it('counts, and says of each test that did not pass why; skips for one reason share a line', () => {
    const tally = Tally.of([
      onePass('a'),
      oneSkip('b', 'needs root'),
      oneFailure('c', 'broken'),
      oneSkip('d', 'needs root'),
      oneFailure('e'),
    ]);
    const sum = new Tally();
    sum.addAll(tally);
    sum.add(onePass('f'));
    expect(sum.summary).toBe('2 passed, 2 failed, 2 skipped');
    expect(sum.lines).toEqual([
      '  failed: c: broken',
      '  failed: e',
      '  skipped: b and 1 more: needs root',
    ]);
  });
});
