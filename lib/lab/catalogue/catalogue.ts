// What experiments are made of: the workloads and methods that are built in, and what files bring along.
import { methods } from '../methods/built-in.js';
import type { Method } from '../methods/method.js';
import type { FigureMaker } from '../report/chart.js';
import { workloads } from '../workloads/built-in.js';
import type { Workload } from '../workloads/workload.js';

/** What a file may bring along. */
export interface Additions {
  readonly workloads?: readonly Workload[];
  readonly methods?: readonly Method[];
  /** Beside those that are built in: the report has them, and brings charts with it only where it is made. */
  readonly figures?: readonly FigureMaker[];
}

export class Catalogue {
  readonly workloads: readonly Workload[];
  readonly methods: readonly Method[];
  readonly figures: readonly FigureMaker[];

  constructor({ workloads = [], methods = [], figures = [] }: Additions) {
    this.workloads = workloads;
    this.methods = methods;
    this.figures = figures;
  }

  /** This, and what is added to it. */
  with(additions: Additions): Catalogue {
    return new Catalogue({
      workloads: [...this.workloads, ...(additions.workloads ?? [])],
      methods: [...this.methods, ...(additions.methods ?? [])],
      figures: [...this.figures, ...(additions.figures ?? [])],
    });
  }

  workload(name: string): Workload {
    return named(this.workloads, name, 'workload');
  }

  method(name: string): Method {
    return named(this.methods, name, 'method');
  }
}

function named<Item extends { readonly name: string }>(
  items: readonly Item[],
  name: string,
  kind: string,
): Item {
  const found = items.find((each) => each.name === name);
  if (found) return found;
  const names = items.map((each) => each.name).join(', ');
  throw new RangeError(`there is no ${kind} '${name}'; expected one of ${names}`);
}

export const builtIn = new Catalogue({ workloads, methods });
