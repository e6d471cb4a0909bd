// A child process: measures one thing, answers, and ends. It does not outlive the process that asked.
import { measureCase } from './case.js';
import type { CaseAnswer, Job, PairAnswer, Reply } from './jobs.js';
import { measurePair } from './pair.js';

async function perform(job: Job): Promise<CaseAnswer | PairAnswer> {
  return await (job.kind === 'case' ? measureCase(job) : measurePair(job));
}

function reply(message: Reply<Job>): void {
  process.send?.(message, () => process.exit(0));
}

process.once('disconnect', () => process.exit(1));
process.once('message', (job: Job) => {
  perform(job).then(
    (answer) => reply({ answer }),
    (error: Error) => reply({ problem: error.message }),
  );
});
