import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInChild } from '../../bench/measure/in-child.js';
import type { CaseJob } from '../../bench/measure/jobs.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-child-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const job: CaseJob = {
  kind: 'case',
  implementation: { package: 'fakedirty', algorithm: 'ph128', mode: 'page' },
  contents: 'zero',
  pageSizeBytes: 4096,
  samplingMs: 1,
};

function running(body: string, patienceMs?: number) {
  const program = join(folder, 'child.mjs');
  writeFileSync(program, body);
  return runInChild('this case', job, patienceMs ? { program, patienceMs } : { program });
}

describe('a child process', () => {
  it('is given its job, and its answer is passed on', async () => {
    const answer = { nsPerPage: 1, pagesPerCall: 2 };
    const body = `process.once('message', (job) =>
      process.send(job.kind === 'case' ? { answer: ${JSON.stringify(answer)} } : {}, () => process.exit()))`;
    expect(await running(body)).toEqual(answer);
  });

  it.each([
    [
      'console.error("out of luck"); process.exit(7)',
      /this case: .*exit code 7; it said:\nout of luck/,
    ],
    ['process.kill(process.pid, "SIGSEGV")', /this case: .*ended with SIGSEGV/],
    ['process.once("message", () => process.exit(0))', /this case: .*code 0/],
    [
      'process.once("message", () => process.send({ problem: "no such hash" }, () => process.exit()))',
      /^this case: no such hash$/,
    ],
  ])('that does not answer is an error that says what happened: %s', async (body, problem) => {
    await expect(running(body)).rejects.toThrow(problem);
  });

  it('that hangs is killed', async () => {
    await expect(running('setInterval(() => {}, 1000)', 300)).rejects.toThrow(/after 0\.3 s/);
  });
});
