// The pages that are hashed: the same bytes for everybody and in every run.
import { createCipheriv } from 'node:crypto';

export const contentNames = ['random', 'text', 'zero', 'half-zero'] as const;

export type Contents = (typeof contentNames)[number];

/** A stretch of contents is repeated: pages differ from their neighbours, and are made quickly. */
const stretchBytes = 1024 * 1024;

function random(bytes: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(bytes));
}

const words =
  'memory page guest host copy the of and in to a is was dirty clean pass network disk table block ' +
  'error info warning request response user server client time value key name size count total\n';

/** Lines of words and numbers, like a log. */
function text(bytes: number): Buffer {
  const vocabulary = words.split(/(?<=\n)| /);
  const choices = random(bytes / 2);
  const parts: string[] = [];
  for (let length = 0, at = 0; length < bytes; at += 1) {
    const choice = choices[at % choices.length] ?? 0;
    const part = choice < 32 ? `${choice * at} ` : `${vocabulary[choice % vocabulary.length]} `;
    parts.push(part);
    length += part.length;
  }
  return Buffer.from(parts.join('').slice(0, bytes), 'latin1');
}

function halfZero(pageSizeBytes: number): Buffer {
  const stretch = random(stretchBytes);
  for (let page = 0; page < stretchBytes; page += pageSizeBytes) {
    stretch.fill(0, page + pageSizeBytes / 2, page + pageSizeBytes);
  }
  return stretch;
}

function stretchOf(contents: Contents, pageSizeBytes: number): Buffer {
  switch (contents) {
    case 'random':
      return random(stretchBytes);
    case 'text':
      return text(stretchBytes);
    case 'zero':
      return Buffer.alloc(stretchBytes);
    case 'half-zero':
      return halfZero(pageSizeBytes);
  }
}

/** Fills memory with pages; zeros too are written, or they would all be the one page that Linux lends. */
export function fillPages(memory: Uint8Array, contents: Contents, pageSizeBytes: number): void {
  const stretch = stretchOf(contents, pageSizeBytes);
  for (let at = 0; at < memory.length; at += stretch.length) {
    memory.set(stretch.subarray(0, Math.min(stretch.length, memory.length - at)), at);
  }
}
