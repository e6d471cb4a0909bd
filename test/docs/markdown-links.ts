// The pages in a folder that people read, and whether their links lead to files that are there, and to headings of theirs.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The pages of the repository, or of the package, relative to its folder. */
export function pagesIn(root: string): string[] {
  const folders = ['docs', 'qemu-patches'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((name) => name.endsWith('.md')),
  );
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
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

/** What is wrong with a link on a page of a folder; undefined when nothing is. */
export function problemWith(root: string, page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(root, join(root, dirname(page), path));
  const file = join(root, target);
  // What lies beside the folder is there on this machine alone.
  if (target.startsWith('..') || !existsSync(file)) return `${link}: ${target} is not there`;
  if (anchor === undefined || statSync(file).isDirectory() || !target.endsWith('.md'))
    return undefined;
  if (anchorsOf(readFileSync(file, 'utf8')).has(anchor)) return undefined;
  return `${link}: ${target} has no heading "${anchor}"`;
}

/** What is wrong with the links of a page that lead to files. */
export function deadLinks(root: string, page: string): string[] {
  const prose = proseOf(readFileSync(join(root, page), 'utf8'));
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const local = links.filter((link) => !/^[a-z]+:/.test(link));
  return local.flatMap((link) => problemWith(root, page, link) ?? []);
}
