// The packages that draw the report. They are optional to install: only reports need them.
import { FakedirtyError } from '../../errors/error.js';
import { sentence, type Words } from '../../errors/wording.js';

/** The packages that draw the report. */
export const chartPackages = ['echarts', '@resvg/resvg-js'] as const;

/** A package that a report needs is not installed. */
export class MissingPackageError extends FakedirtyError {
  override readonly name = 'MissingPackageError';
  override readonly code = 'ERR_MISSING_PACKAGE';

  constructor(
    options: ErrorOptions & {
      /** What can be done instead of installing them: the end of the sentence. */
      readonly otherwise?: Words | undefined;
    } = {},
  ) {
    const { otherwise = '', ...rest } = options;
    const problem = `Reports need packages that are not installed: npm install ${chartPackages.join(' ')}`;
    super(sentence`${problem}${otherwise}`, rest);
  }
}

/** Node's error for one of these packages, or for a binary that belongs to one of them. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return chartPackages.some((name) => message.includes(`'${name}`));
}

/**
 * Loads a module that draws. Throws a MissingPackageError when a package is missing for it, which says what can be done
 * otherwise.
 */
export async function loadCharts<Module>(
  load: () => Promise<Module>,
  otherwise?: Words,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    throw isMissing(error) ? new MissingPackageError({ cause: error, otherwise }) : error;
  }
}
