// Programs of the site's owner that are told what happens: before and after a move, and when a host is cordoned, so that
// other schedulers keep away from it. They are started without a shell, and told by their environment.
import { messageOf } from '../../errors/message-of.js';
import type { HookName, Site } from '../../site/site.js';
import { CommandError, run } from '../../system/processes.js';

/** What a hook is told. */
export interface HookFacts {
  readonly host?: string;
  readonly vm?: string;
  readonly from?: string;
  readonly to?: string;
  readonly outcome?: string;
}

/** How long a hook may take. */
const limitSeconds = 60;

function environmentOf(facts: HookFacts): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`FAKEDIRTY_${name.toUpperCase()}`, value]),
  );
}

/** Runs a hook, if the site has it; what went wrong, if anything did. */
export async function runHook(
  { hooks }: Site,
  name: HookName,
  facts: HookFacts,
): Promise<string | undefined> {
  const words = hooks[name];
  if (!words) return undefined;
  try {
    const timeout = ['timeout', '--kill-after=5', String(limitSeconds)];
    const [command = '', ...args] = [...timeout, ...words];
    await run(command, args, { env: environmentOf(facts) });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const late = error.exitCode === 124 ? ` It did not end within ${limitSeconds} s.` : '';
    const said = error.stderr.trim() || messageOf(error);
    return `The hook "${name}" failed: ${said}${late}`;
  }
}
