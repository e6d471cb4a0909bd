// The manual pages: man/ has one for each command, made from the definitions of the commands, so that a page says what
// --help says. package.json lists them; npm puts them where `man` looks when the package is installed globally.
import type { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Help } from 'commander';
import { createProgram, packageVersion } from '../lib/cli/program.js';
import { packageRoot } from '../lib/system/package-root.js';
import { step } from '../lib/system/step.js';

const folder = 'man';

/** Text that roff takes as it stands; hyphens are those that are typed. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

const bold = (text: string) => `\\fB${escaped(text)}\\fR`;
const italic = (text: string) => `\\fI${escaped(text)}\\fR`;

/** A term of an option, with what is typed in bold, and what stands for something else in italics. */
function term(text: string): string {
  return text
    .split(/(<[^>]*>|\[[^\]]*\])/)
    .map((part) => {
      if (/^<.*>$/.test(part)) return italic(part.slice(1, -1));
      if (/^\[.*\]$/.test(part)) return `[${italic(part.slice(1, -1))}]`;
      return part.trim() === '' ? part : bold(part);
    })
    .join('');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title}`, ...lines];
}

function entries(items: readonly (readonly [term: string, description: string])[]): string[] {
  return items.flatMap(([name, text]) => ['.TP', term(name), escaped(text)]);
}

/** The texts that a command shows below its options. */
function textBelow(command: Command): string {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  // Commander is an emitter of events, and its types don't say so.
  const emitter = command as unknown as EventEmitter;
  emitter.emit('afterHelp', { error: false, command, write });
  return text;
}

const headings: Readonly<Record<string, string>> = {
  'Example:': 'EXAMPLES',
  'Examples:': 'EXAMPLES',
  'Exit codes:': 'EXIT STATUS',
};

/** Paragraphs as such, lists and examples as they stand. */
function details(text: string): string[] {
  const lines: string[] = [];
  for (const block of text.split(/\n\s*\n/).map((part) => part.replaceAll(/^\n+|\n+$/g, ''))) {
    if (block === '') continue;
    lines.push('.PP');
    let isVerbatim = false;
    for (const line of block.split('\n')) {
      const heading = headings[line];
      if (heading) {
        if (lines.at(-1) === '.PP') lines.pop();
        lines.push(`.SH ${heading}`);
        continue;
      }
      if (line.startsWith('  ') !== isVerbatim) {
        isVerbatim = !isVerbatim;
        lines.push(...(isVerbatim ? ['.nf'] : ['.fi']));
      }
      lines.push(escaped(line));
    }
    if (isVerbatim) lines.push('.fi');
  }
  const [first, ...rest] = lines;
  const begins = first === undefined || first.startsWith('.SH');
  return begins ? lines : ['.SH DETAILS', ...(first === '.PP' ? rest : lines)];
}

function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : [command.name()];
}

function relatives(command: Command): string[] {
  const near = [...(command.parent ? [command.parent] : []), ...command.commands];
  return near.map((each) => `${bold(pathOf(each).join('-'))}(1)`);
}

function page(command: Command): string {
  const help: Help = command.createHelp();
  const name = pathOf(command).join('-');
  const commands = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  const options = help.visibleOptions(command);
  const list = <Item>(
    items: readonly Item[],
    nameOf: (item: Item) => string,
    descriptionOf: (item: Item) => string,
  ) => entries(items.map((item) => [nameOf(item), descriptionOf(item)] as const));
  const summary = command.description().replace(/\.$/, '');
  const lines = [
    `.TH "${name.toUpperCase()}" 1 "" "fakedirty ${packageVersion()}"`,
    ...section('NAME', [`${escaped(name)} \\- ${escaped(summary)}`]),
    ...section('SYNOPSIS', [term(help.commandUsage(command))]),
    ...section('DESCRIPTION', [escaped(command.description())]),
    ...section(
      'COMMANDS',
      list(
        commands,
        (each) => help.subcommandTerm(each),
        (each) => each.description(),
      ),
    ),
    ...section(
      'ARGUMENTS',
      list(
        help.visibleArguments(command),
        (each) => `<${each.name()}>`,
        (each) => help.argumentDescription(each),
      ),
    ),
    ...section(
      'OPTIONS',
      list(
        options,
        (each) => help.optionTerm(each),
        (each) => help.optionDescription(each),
      ),
    ),
    ...details(textBelow(command)),
    ...section('SEE ALSO', [relatives(command).join(', ')]),
  ];
  return `${lines.join('\n')}\n`;
}

/** All pages by their paths. */
export function manPages(): Map<string, string> {
  const pages = new Map<string, string>();
  const visit = (command: Command): void => {
    pages.set(join(folder, `${pathOf(command).join('-')}.1`), page(command));
    for (const each of command.commands) visit(each);
  };
  visit(createProgram());
  return pages;
}

/** Pages of commands that there are no more. */
function leftOver(pages: ReadonlyMap<string, string>): string[] {
  const directory = join(packageRoot, folder);
  const present = existsSync(directory) ? readdirSync(directory) : [];
  return present.map((name) => join(folder, name)).filter((path) => !pages.has(path));
}

/** Makes the pages anew. */
export function updateManPages(): void {
  const pages = manPages();
  mkdirSync(join(packageRoot, folder), { recursive: true });
  for (const path of leftOver(pages)) rmSync(join(packageRoot, path));
  for (const [path, text] of pages) writeFileSync(join(packageRoot, path), text);
}

/** Fails when a page is not what the command says. */
export async function checkManPages(): Promise<void> {
  await step({ title: 'lint: manual pages', log: 'man-pages' }, () => {
    const pages = manPages();
    const isStale = ([path, text]: [string, string]) => {
      const file = join(packageRoot, path);
      return !existsSync(file) || readFileSync(file, 'utf8') !== text;
    };
    const stale = [...[...pages].filter(isStale).map(([path]) => path), ...leftOver(pages)];
    if (stale.length > 0) throw new Error(`${stale.join(', ')}: not up to date; npm run format`);
  });
}
