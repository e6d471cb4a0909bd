// What experiments can be made of: built-in workloads and methods, and those of your own.
import { OptionError } from '../../errors/option-error.js';
import type { Method } from '../methods/method.js';
import type { FigureMaker } from '../report/figure.js';
import type { Workload } from '../workloads/workload.js';

/** What a module of your own may add. */
export interface Additions {
  /** Workloads, after the built-in ones. */
  readonly workloads?: readonly Workload[];
  /** Methods, after the built-in ones. */
  readonly methods?: readonly Method[];
  /** Figures of the report, after the built-in ones. */
  readonly figures?: readonly FigureMaker[];
}

/** Workloads, methods and figures, by name. */
export class Catalogue {
  /** The workloads that an experiment can name. */
  readonly workloads: readonly Workload[];
  /** The methods that an experiment can name. */
  readonly methods: readonly Method[];
  /** Figures of the report, after the built-in ones. */
  readonly figures: readonly FigureMaker[];

  constructor(additions: Additions) {
    const { workloads = [], methods = [], figures = [] } = additions;
    this.workloads = workloads;
    this.methods = methods;
    this.figures = figures;
  }

  /** A catalogue with these and the additions. */
  with(additions: Additions): Catalogue {
    return new Catalogue({
      workloads: [...this.workloads, ...(additions.workloads ?? [])],
      methods: [...this.methods, ...(additions.methods ?? [])],
      figures: [...this.figures, ...(additions.figures ?? [])],
    });
  }

  /** Throws when there is no such workload. */
  workload(name: string): Workload {
    return findByName(this.workloads, name, 'workload');
  }

  /** Throws when there is no such method. */
  method(name: string): Method {
    return findByName(this.methods, name, 'method');
  }
}

function findByName<Item extends { readonly name: string }>(
  items: readonly Item[],
  name: string,
  kind: string,
): Item {
  const found = items.find((each) => each.name === name);
  if (found) return found;
  const names = items.map((each) => each.name);
  throw new OptionError(kind, `there is no ${kind} '${name}'`, name, names);
}
