// A site: hosts with their network cards, the VMs that are there, and what holds for them. What a person writes down
// of it; what changes by itself is measured.
import { z } from 'zod';
import { didYouMean } from '../errors/nearest.js';
import { expectedSize, parseBytes } from '../format/units.js';
import { expectedTimeWindow, parseTimeWindow, type TimeWindow } from './time-window.js';

/** Which form the file has. It goes up when what it can say changes. */
export const siteFormat = 1;

/** A network card, which sends and receives at once. */
export interface Card {
  /** How much it sends. */
  readonly transmitBytesPerSecond: number;
  /** How much it receives. */
  readonly receiveBytesPerSecond: number;
  /** What moves leave to the VMs, in each direction. */
  readonly keepBytesPerSecond: number;
}

/** How guests come to a host. */
export interface Arrivals {
  /** The card that carries migrations. */
  readonly card: string;
  /** The host's address on that card. */
  readonly address: string;
  /** The ports at which guests arrive: the first and the last. */
  readonly ports: readonly [number, number];
}

/** Certificates by which hosts know each other. */
export interface Certificates {
  /** Their folder, with the names that QEMU gives them: ca-cert.pem, server-cert.pem and so on. */
  readonly folder: string;
  /** The name in the host's own; left out: its address. */
  readonly name?: string | undefined;
}

interface AnyHost {
  /** How much memory its guests may have together. */
  readonly memoryBytes: number;
  /** Its network cards, by name. */
  readonly cards: Readonly<Record<string, Card>>;
  /** How guests come here. */
  readonly arrivals: Arrivals;
  /** Its certificates; left out: guests come and go in the clear. */
  readonly tls?: Certificates | undefined;
}

/** A host whose QEMUs are driven by QMP alone. */
export interface QmpHost extends AnyHost {
  /** What its VMs are driven by. */
  readonly driver: 'qmp';
  /** The QEMU that is started for a guest that comes here. */
  readonly qemu: string;
  /** Where the sockets and files of those QEMUs are. */
  readonly folder: string;
  /** The network namespace of this machine in which they run. */
  readonly networkNamespace?: string | undefined;
}

/** A host that libvirt manages. */
export interface LibvirtHost extends AnyHost {
  /** What its VMs are driven by. */
  readonly driver: 'libvirt';
  /** Where its daemon is reached. */
  readonly uri: string;
  /** Where daemons of other hosts reach it; left out: at the same URI. */
  readonly peerUri?: string | undefined;
}

/** A host. */
export type Host = QmpHost | LibvirtHost;

/** A VM. */
export interface Vm {
  /** The host on which it is, when nothing has been moved yet. */
  readonly host: string;
  /** Its memory. */
  readonly memoryBytes: number;
  /** Its QMP, on a host that is driven by that. */
  readonly qmp?: string | undefined;
  /** The arguments with which QEMU is started for it elsewhere, but for those that say how it arrives. */
  readonly arguments?: readonly string[] | undefined;
}

/** What has to hold wherever VMs are. */
export type Rule =
  | {
      /** They are on one host. */
      readonly together: readonly string[];
    }
  | {
      /** No two of them are on one host. */
      readonly apart: readonly string[];
    }
  | {
      /** They stay where they are. */
      readonly stay: readonly string[];
    }
  | {
      /** These VMs … */
      readonly only: readonly string[];
      /** … are on these hosts alone. */
      readonly on: readonly string[];
    };

/** Programs that are told what happens, each as its command line in words. */
export const hookNames = ['before', 'after', 'cordon', 'uncordon'] as const;

/** When a program is told. */
export type HookName = (typeof hookNames)[number];

/** What is written down of a site. */
export interface Site {
  /** Which form the file has. */
  readonly format: typeof siteFormat;
  /** By name. */
  readonly hosts: Readonly<Record<string, Host>>;
  /** By name. */
  readonly vms: Readonly<Record<string, Vm>>;
  /** What has to hold wherever VMs are. */
  readonly rules: readonly Rule[];
  /** Programs that are told before and after each move, and when a host is cordoned. */
  readonly hooks: Readonly<Partial<Record<HookName, readonly string[] | undefined>>>;
  /** When moves may begin; none: at any time. */
  readonly windows: readonly TimeWindow[];
}

/** A size or a rate as people write it, or a number of bytes. */
const bytes = z.union([z.string(), z.number()]).transform((given, context) => {
  const size = parseBytes(String(given));
  if (size !== undefined && size > 0) return size;
  context.addIssue({ code: 'custom', message: `'${given}' is not ${expectedSize}` });
  return z.NEVER;
});

const sameBothWays = bytes.transform((rate) => ({
  transmitBytesPerSecond: rate,
  receiveBytesPerSecond: rate,
  keepBytesPerSecond: 0,
}));

const eachWay = z
  .strictObject({ transmit: bytes, receive: bytes, keep: bytes.optional() })
  .refine(
    ({ transmit, receive, keep = 0 }) => keep < Math.min(transmit, receive),
    'keep is as much as the card has: nothing is left for moves',
  )
  .transform(({ transmit, receive, keep = 0 }) => ({
    transmitBytesPerSecond: transmit,
    receiveBytesPerSecond: receive,
    keepBytesPerSecond: keep,
  }));

/** One rate for both directions, or one for each. A union would not say what is wrong with either. */
const cardSchema = z.unknown().transform((given, context): Card => {
  const schema = typeof given === 'object' ? eachWay : sameBothWays;
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  for (const { path, message } of error.issues) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
  return z.NEVER;
});

/** Names are parts of file names and of names that QEMU and libvirt know. */
const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/i,
    'a name has letters, digits, dots, hyphens and underscores, and begins with a letter or digit',
  );

const port = z.int().min(1).max(65_535);

/** QEMU's and libvirt's own. */
const usualPorts = [49_152, 49_215] as const;

const absolute = z.string().startsWith('/', 'expected a path that begins with /');

/** Such a path stands among options of QEMU, where a comma begins the next one. */
const withinOptions = absolute.refine(
  (path) => !path.includes(','),
  'expected a path without a comma',
);

const common = {
  memory: bytes,
  cards: z.record(name, cardSchema),
  card: name.optional(),
  address: z
    .string()
    .regex(/^[^,[\]]+$/, 'expected an address such as 10.0.0.1 or fd00::1, or a name'),
  ports: z
    .tuple([port, port])
    .refine(([first, last]) => first <= last, 'the first port is after the last')
    .default([...usualPorts]),
  tls: z.strictObject({ folder: withinOptions, name: z.string().min(1).optional() }).optional(),
};

const timeWindow = z.string().transform((text, context) => {
  const window = parseTimeWindow(text);
  if (window) return window;
  context.addIssue({ code: 'custom', message: `'${text}' is not ${expectedTimeWindow}` });
  return z.NEVER;
});

const hostSchema = z
  .discriminatedUnion('driver', [
    z.strictObject({
      driver: z.literal('qmp'),
      ...common,
      qemu: absolute,
      folder: withinOptions,
      networkNamespace: name.optional(),
    }),
    z.strictObject({
      driver: z.literal('libvirt'),
      ...common,
      uri: z.string().min(1),
      peerUri: z.string().min(1).optional(),
    }),
  ])
  .transform(({ memory, card: wanted, address, ports, ...rest }, context): Host => {
    const names = Object.keys(rest.cards);
    const card = wanted ?? (names.length === 1 ? names[0] : undefined);
    if (card === undefined || !names.includes(card)) {
      const message =
        wanted === undefined
          ? `which of its cards carries migrations? card: ${names.join(', or card: ') || 'NAME'}`
          : `there is no card '${wanted}'.${didYouMean(wanted, names)}`;
      context.addIssue({ code: 'custom', path: wanted === undefined ? [] : ['card'], message });
      return z.NEVER;
    }
    return { ...rest, memoryBytes: memory, arrivals: { card, address, ports } };
  });

const vmSchema = z
  .strictObject({
    host: z.string(),
    memory: bytes,
    qmp: z.string().min(1).optional(),
    arguments: z.array(z.string()).optional(),
  })
  .transform(({ memory, ...rest }): Vm => ({ ...rest, memoryBytes: memory }));

const names = z.array(z.string()).min(1);
const command = z.array(z.string()).min(1, 'expected a program and its arguments');
const ruleSchema = z.union([
  z.strictObject({ together: names.min(2) }),
  z.strictObject({ apart: names.min(2) }),
  z.strictObject({ stay: names }),
  z.strictObject({ only: names, on: names }),
]) satisfies z.ZodType<Rule>;

interface Mention {
  readonly path: readonly (string | number)[];
  readonly name: string;
  readonly of: 'host' | 'vm';
}

/** All names of hosts and VMs that a site speaks of. */
function* mentions({ vms, rules }: Pick<Site, 'vms' | 'rules'>): Generator<Mention> {
  for (const [vm, { host }] of Object.entries(vms)) {
    yield { path: ['vms', vm, 'host'], name: host, of: 'host' };
  }
  for (const [at, rule] of rules.entries()) {
    for (const [word, list] of Object.entries(rule)) {
      const of = word === 'on' ? 'host' : 'vm';
      for (const [index, each] of (list as readonly string[]).entries()) {
        yield { path: ['rules', at, word, index], name: each, of };
      }
    }
  }
}

/** A site, as its file has it. */
export const siteSchema = z
  .strictObject({
    format: z.literal(siteFormat),
    hosts: z.record(name, hostSchema),
    vms: z.record(name, vmSchema).default({}),
    rules: z.array(ruleSchema).default([]),
    hooks: z
      .strictObject({
        before: command.optional(),
        after: command.optional(),
        cordon: command.optional(),
        uncordon: command.optional(),
      })
      .default({}),
    windows: z.array(timeWindow).default([]),
  })
  .superRefine((site, context) => {
    const known = { host: Object.keys(site.hosts), vm: Object.keys(site.vms) };
    for (const { path, name: mentioned, of } of mentions(site)) {
      if (known[of].includes(mentioned)) continue;
      const kind = of === 'vm' ? 'VM' : 'host';
      const message = `there is no ${kind} '${mentioned}'.${didYouMean(mentioned, known[of])}`;
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    for (const [vm, { host, qmp }] of Object.entries(site.vms)) {
      const { driver } = site.hosts[host] ?? {};
      if (driver === 'qmp' && qmp === undefined) {
        const message = `host ${host} is driven by QMP: where is that of the VM? qmp: PATH`;
        context.addIssue({ code: 'custom', path: ['vms', vm], message });
      }
    }
  }) satisfies z.ZodType<Site>;
