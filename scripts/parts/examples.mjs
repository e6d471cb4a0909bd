// The programs of docs/examples stand in the guides too, after comments like <!-- examples/NAME -->.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';

const docs = join(repository, 'docs');
const place = /<!-- (examples\/[\w.-]+) -->\n(?:\n```js\n[\s\S]*?```\n)?/g;

function withPrograms(guide) {
  return guide.replace(place, (_, name) => {
    const program = readFileSync(join(docs, name), 'utf8');
    return `<!-- ${name} -->\n\n\`\`\`js\n${program}\`\`\`\n`;
  });
}

/** The guides that show a program as it no longer is. */
function outdatedGuides() {
  return readdirSync(docs, { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => {
      const guide = readFileSync(join(docs, name), 'utf8');
      return { name, guide, updated: withPrograms(guide) };
    })
    .filter(({ guide, updated }) => guide !== updated);
}

export function updateGuides() {
  for (const { name, updated } of outdatedGuides()) writeFileSync(join(docs, name), updated);
}

export function checkGuides() {
  return step({ title: 'lint: programs in the guides', log: 'guides' }, () => {
    const names = outdatedGuides().map(({ name }) => name);
    if (names.length > 0) throw new Error(`${names.join(', ')}: not up to date; npm run format`);
  });
}
