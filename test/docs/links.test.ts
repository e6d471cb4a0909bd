// The pages that people read lead where they say: to files that are there, and to headings of theirs.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

function pages(): string[] {
  const folders = ['docs', 'qemu-patches'].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((name) => name.endsWith('.md')),
  );
  const top = readdirSync(repository).filter((name) => name.endsWith('.md'));
  return [...top, ...folders].sort();
}

/** Without programs and quoted code, in which brackets mean something else. */
function proseOf(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '`code`');
}

/** The name that a page's host gives a heading: letters, digits and hyphens, numbered when it comes again. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const [, heading = ''] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    anchors.add(before === 0 ? name : `${name}-${before}`);
  }
  return anchors;
}

/** What is wrong with a link on a page; undefined when nothing is. */
function problemWith(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(repository, join(repository, dirname(page), path));
  const file = join(repository, target);
  if (!existsSync(file)) return `${link}: ${target} is not there`;
  if (anchor === undefined || statSync(file).isDirectory() || !target.endsWith('.md'))
    return undefined;
  if (anchorsOf(readFileSync(file, 'utf8')).has(anchor)) return undefined;
  return `${link}: ${target} has no heading "${anchor}"`;
}

it.each(pages())('%s has no dead link', (page) => {
  const prose = proseOf(readFileSync(join(repository, page), 'utf8'));
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const local = links.filter((link) => !/^[a-z]+:/.test(link));
  expect(local.flatMap((link) => problemWith(page, link) ?? [])).toEqual([]);
});

it('would notice a file and a heading that are not there', () => {
  expect(problemWith('README.md', 'docs/nowhere.md')).toMatch(/is not there/);
  expect(problemWith('README.md', 'CONTRIBUTING.md#nowhere')).toMatch(/has no heading/);
  expect(problemWith('README.md', 'CONTRIBUTING.md')).toBeUndefined();
});
