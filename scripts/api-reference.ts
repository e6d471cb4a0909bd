// The API reference: docs/reference/api has a page for each door of the package, made by TypeDoc from the comments
// in lib; docs/reference/errors.md lists the codes of errors.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeclarationReflection, ProjectReflection, ReflectionKind } from 'typedoc';
import { z } from 'zod';
import { errorCodes } from '../lib/errors/codes.js';
import { packageRoot } from '../lib/system/package-root.js';
import { step } from '../lib/system/step.js';

const folder = join('docs', 'reference');

// TypeDoc needs the API that TypeScript has up to version 6: it alone gets that version.
const resolveHook = `
export function resolve(specifier, context, next) {
  const isForTypeDoc = specifier === 'typescript' && /\\/typedoc[^/]*\\//.test(context.parentURL ?? '');
  return next(isForTypeDoc ? 'typescript-for-typedoc' : specifier, context);
}`;

let typedoc: Promise<typeof import('typedoc')> | undefined;
function loadTypeDoc(): Promise<typeof import('typedoc')> {
  typedoc ??= (() => {
    register(`data:text/javascript,${encodeURIComponent(resolveHook)}`, import.meta.url);
    return import('typedoc');
  })();
  return typedoc;
}

type Kinds = typeof ReflectionKind;

interface Door {
  readonly name: string;
  readonly source: string;
  /** The name of its page. */
  readonly page: string;
}

const manifest = z.object({
  exports: z.record(z.string(), z.union([z.object({ types: z.string() }), z.string()])),
});

/** The doors that package.json exports. */
function doors(): Door[] {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return Object.entries(manifest.parse(JSON.parse(text)).exports)
    .flatMap(([path, target]) => (typeof target === 'string' ? [] : { path, ...target }))
    .map(({ path, types }) => ({
      name: path.replace('.', 'fakedirty'),
      source: types.replace('./dist/', 'lib/').replace('.d.ts', '.ts'),
      page: path === '.' ? 'fakedirty' : path.slice(2).replaceAll('/', '-'),
    }));
}

/** What a door is for: the first sentence of its source, after its name. */
function purposeOf({ source }: Door): string {
  const text = readFileSync(join(packageRoot, source), 'utf8').replaceAll(/\n\/\/ ?/g, ' ');
  const [, purpose] = /^\/\/ [\w/]+: (.*?\.)(?:\s|$)/.exec(text) ?? [];
  if (!purpose) throw new Error(`${source} does not begin with "// NAME: what it is for."`);
  return purpose;
}

const asTables = Object.fromEntries(
  [
    'parametersFormat',
    'interfacePropertiesFormat',
    'classPropertiesFormat',
    'typeDeclarationFormat',
    'typeAliasPropertiesFormat',
    'propertyMembersFormat',
  ].map((option) => [option, 'table']),
);

const options = {
  plugin: ['typedoc-plugin-markdown'],
  tsconfig: join(packageRoot, 'tsconfig.build.json'),
  readme: 'none',
  name: 'API reference',
  logLevel: 'Error' as const,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  router: 'module',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  ...asTables,
  tableColumnSettings: {
    hideDefaults: true,
    hideInherited: true,
    hideModifiers: true,
    hideOverrides: true,
    hideSources: true,
  },
};

/** The members of these are QEMU's own names, which QEMU documents. */
const qemusFolder = 'lib/qmp/schema/';

/** The exported names, and members of classes and interfaces, that have no sentence. */
function undocumented(project: ProjectReflection, kinds: Kinds): string[] {
  const documentable =
    kinds.ClassOrInterface |
    kinds.TypeAlias |
    kinds.Variable |
    kinds.Function |
    kinds.Method |
    kinds.Property |
    kinds.Accessor;
  const holders = kinds.ClassOrInterface | kinds.SomeModule;
  const isExempt = (reflection: DeclarationReflection) => {
    if (reflection.inheritedFrom || !reflection.parent?.kindOf(holders)) return true;
    const { fileName = '' } = project.getSymbolIdFromReflection(reflection) ?? {};
    return reflection.kindOf(kinds.Property) && fileName.includes(qemusFolder);
  };
  const hasSentence = (reflection: DeclarationReflection) =>
    [reflection, ...(reflection.signatures ?? []), reflection.getSignature].some((one) =>
      one?.hasComment(),
    );
  return Object.values(project.reflections)
    .filter((one): one is DeclarationReflection => one.kindOf(documentable))
    .filter((one) => !isExempt(one) && !hasSentence(one))
    .map((one) => one.getFriendlyFullName());
}

/** The functions with a parameter that is destructured where it is declared: it has no name to show. */
function withNamelessParameters(project: ProjectReflection, kinds: Kinds): string[] {
  const nameless = Object.values(project.reflections).filter(
    (one) => one.kindOf(kinds.Parameter) && one.name.startsWith('__'),
  );
  return [...new Set(nameless.map(({ parent }) => parent?.getFriendlyFullName() ?? ''))];
}

/** Nobody but this package makes its errors. */
function removeConstructorsOfErrors(project: ProjectReflection, kinds: Kinds): void {
  const constructors = Object.values(project.reflections).filter(
    (one) => one.kindOf(kinds.Constructor) && one.parent?.name.endsWith('Error'),
  );
  for (const one of constructors) project.removeReflection(one);
}

/** TypeDoc spells `keyof` out. */
function withoutListsOfCodes(text: string): string {
  return text.replace(/(?:\\\| `"ERR_\w+"` ?){9,}/g, '[`ErrorCode`](fakedirty.md#errorcode) ');
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** TypeDoc numbers some links to headings that come only once: GitHub numbers none of those. */
function withoutDeadNumbers(text: string): string {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const isOnce = (name: string) => headings.filter((heading) => heading === name).length === 1;
  return text.replace(/\(#([\w-]+)-\d+\)/g, (link, name: string) =>
    isOnce(name) ? `(#${name})` : link,
  );
}

interface Page extends Door {
  readonly text: string;
}

/** The page of each door; throws when an exported name has no sentence, or a parameter no name. */
async function pagesOfDoors(): Promise<Page[]> {
  const { Application, Converter, ReflectionKind: kinds } = await loadTypeDoc();
  const all = doors();
  const entryPoints = all.map(({ source }) => join(packageRoot, source));
  const app = await Application.bootstrapWithPlugins({ ...options, entryPoints });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    removeConstructorsOfErrors(context.project, kinds);
  });
  const project = await app.convert();
  if (!project || app.logger.hasErrors()) throw new Error('TypeDoc could not read the sources');
  const missing = undocumented(project, kinds);
  if (missing.length > 0) {
    throw new Error(
      `exported, and without a sentence of documentation:\n  ${missing.join('\n  ')}`,
    );
  }
  const nameless = withNamelessParameters(project, kinds);
  if (nameless.length > 0) {
    throw new Error(
      `name the parameter, and destructure it in the body:\n  ${nameless.join('\n  ')}`,
    );
  }
  for (const module of project.children ?? []) {
    const door = all.find(
      ({ source }) => source.replace(/^lib\/|(\/index)?\.ts$/g, '') === module.name,
    );
    if (door) module.name = door.page;
  }
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-api-'));
  try {
    app.options.setValue('outputs', [{ name: 'markdown', path: directory }]);
    await app.generateOutputs(project);
    return all.map((door) => ({
      ...door,
      text: withoutListsOfCodes(
        withoutDeadNumbers(readFileSync(join(directory, `${door.page}.md`), 'utf8')),
      ).replace(/^# .*\n/, `# ${door.name}\n\n${capitalized(purposeOf(door))}\n`),
    }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function indexOf(pages: readonly Page[]): string {
  const rows = pages.map(
    (page) => `| [\`${page.name}\`](${page.page}.md) | ${capitalized(purposeOf(page))} |`,
  );
  return `# API reference

What each import of the package offers. \`npm run format\` makes these pages from the comments in \`lib\`.

| import | is for |
| --- | --- |
${rows.join('\n')}

Errors have codes that keep their meaning: [all of them](../errors.md).
`;
}

/** The codes with their sections, which are comments in the source. */
function pageOfErrors(): string {
  const source = readFileSync(join(packageRoot, 'lib', 'errors', 'codes.ts'), 'utf8');
  const meanings: Readonly<Record<string, string>> = errorCodes;
  const sections = source.matchAll(/^ {2}\/\/ (.*)\.$|^ {2}(ERR_\w+):/gm);
  const lines = [...sections].flatMap(([, title, code]) =>
    title === undefined
      ? [`| \`${code}\` | ${meanings[code ?? '']} |`]
      : ['', `## ${title}`, '', '| code | means |', '| --- | --- |'],
  );
  return `# Errors

Every error that fakedirty throws on purpose is a \`FakedirtyError\`, and has a \`code\`. A code keeps its meaning from version to
version, while messages may change: tell errors apart by \`code\` or by class.
${lines.join('\n')}
`;
}

/** All files of the reference that are made, by their paths. */
async function referenceFiles(): Promise<Map<string, string>> {
  const pages = await pagesOfDoors();
  return new Map([
    [join(folder, 'errors.md'), pageOfErrors()],
    [join(folder, 'api', 'README.md'), indexOf(pages)],
    ...pages.map(({ page, text }): [string, string] => [join(folder, 'api', `${page}.md`), text]),
  ]);
}

/** Pages of doors that there are no more. */
function leftOver(files: ReadonlyMap<string, string>): string[] {
  const directory = join(packageRoot, folder, 'api');
  const present = existsSync(directory) ? readdirSync(directory) : [];
  return present.map((name) => join(folder, 'api', name)).filter((path) => !files.has(path));
}

/** Makes the reference anew. */
export async function updateReference(): Promise<void> {
  const files = await referenceFiles();
  for (const path of leftOver(files)) rmSync(join(packageRoot, path));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(packageRoot, path)), { recursive: true });
    writeFileSync(join(packageRoot, path), text);
  }
}

/** Fails when an exported name has no sentence or a parameter no name, or when the reference is not what the sources say. */
export async function checkReference(): Promise<void> {
  await step({ title: 'lint: API reference', log: 'api-reference' }, async () => {
    const files = await referenceFiles();
    const isStale = ([path, text]: [string, string]) => {
      const file = join(packageRoot, path);
      return !existsSync(file) || readFileSync(file, 'utf8') !== text;
    };
    const stale = [...[...files].filter(isStale).map(([path]) => path), ...leftOver(files)];
    if (stale.length > 0) throw new Error(`${stale.join(', ')}: not up to date; npm run format`);
  });
}
