// A workload, a method and a figure of your own: fakedirty lab run EXPERIMENT.yaml --with custom-workload.mjs
import { workload, z } from 'fakedirty/lab';
import { colorAt, drawHorizontalBars, median } from 'fakedirty/lab/figures';

// A program of Debian's that writes blocks of memory, and tells once a second how much that is.
const blockMemory = workload({
  name: 'block-memory',
  summary: 'sysbench writes blocks of memory, one after the other',
  operation: 'MiB written',
  programs: [],
  packaged: { packages: ['sysbench'], programs: ['usr/bin/sysbench'] },
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: false, outside: false },
  livesBy: 'blocks written',
  newReader: () => {
    let operations = 0;
    return (line) => {
      const [, seconds, perSecond] = /^\[ (\d+)s \] ([\d.]+) MiB\/sec/.exec(line) ?? [];
      if (!seconds) return undefined;
      operations += Math.round(Number(perSecond));
      return { atMs: Number(seconds) * 1000, operations, p50Us: null, p99Us: null, maxUs: null };
    };
  },
  options: z.strictObject({ mebibytes: z.number().int().positive().default(32) }),
  commands: ({ mebibytes }) => ({
    inGuest: [
      '/usr/bin/sysbench',
      'memory',
      `--memory-block-size=${mebibytes}M`,
      '--memory-total-size=1000T',
      '--time=0',
      '--report-interval=1',
      'run',
    ],
  }),
});

// What migrate() can be asked for, under a name.
const verified = {
  name: 'filter-md5-verified',
  summary: 'the filter with md5, which looks at every page that it would skip once more',
  needsFilter: true,
  postcopy: false,
  options: () => ({ filter: { hash: 'md5', verify: true } }),
};

// Any SVG will do; the charts of the report come with axes and patterns that print well.
function passesByMethod({ cells, methods }) {
  const rows = methods.map((method) => {
    const runs = cells.filter(({ cell }) => cell.method === method).flatMap((cell) => cell.runs);
    const passes = runs.map(({ measurement }) => measurement.migration.passes.length);
    return { method, passes: passes.length > 0 ? median(passes) : 0 };
  });
  return [
    {
      id: 'passes-by-method',
      title: 'Passes by method',
      alternative: rows.map(({ method, passes }) => `${method}: ${passes} passes.`).join(' '),
      svg: drawHorizontalBars({
        titles: rows.map(({ method }) => method),
        measure: 'passes',
        topPx: 16,
        series: [
          { type: 'bar', itemStyle: { color: colorAt(1) }, data: rows.map(({ passes }) => passes) },
        ],
      }),
    },
  ];
}

export const workloads = [blockMemory];
export const methods = [verified];
export const figures = [passesByMethod];
