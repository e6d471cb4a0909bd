// A child process: measures one thing, answers, and ends. It does not outlive the process that asked.
import type { CaseAnswer, Job, PairAnswer, Reply } from './jobs.js';

async function perform(job: Job): Promise<CaseAnswer | PairAnswer> {
  if (job.kind === 'pair') {
    const { measurePair } = await import('./pair.js');
    return await measurePair(job);
  }
  const { measureCase } = await import('./case.js');
  return await measureCase(job);
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
