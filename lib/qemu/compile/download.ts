// A download that can be resumed, and that is not there before its checksum is right.

import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FakedirtyError } from '../../errors/error.js';

const connectMs = 15_000;
const stallMs = 30_000;
const attempts = 3;

/** The download is not to be had, or is not what it should be. */
export class DownloadError extends FakedirtyError {
  override readonly name = 'DownloadError';
  override readonly code = 'ERR_DOWNLOAD';
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Why fetch failed hides in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'no answer in time';
  const { cause } = error;
  return cause instanceof Error && cause.message ? cause.message : error.message;
}

/** Appends what is missing; throws DownloadError when trying again is of no use. */
async function fetchRest(url: string, part: string): Promise<void> {
  const have = sizeOf(part);
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), connectMs);
  try {
    const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    // A host that does not exist, or refuses, will do so in a second as well.
    const response = await fetch(url, { headers, signal: abort.signal }).catch((error) => {
      throw new DownloadError(reasonOf(error), { cause: error });
    });
    // 416: nothing is missing. The checksum will tell.
    if (response.status === 416) return;
    if (!response.ok || !response.body) {
      const retryable = response.status >= 500;
      const text = `the server answers ${response.status} ${response.statusText}`.trim();
      throw retryable ? new Error(text) : new DownloadError(text);
    }
    // A server that does not know ranges sends everything.
    const flags = response.status === 206 ? 'a' : 'w';
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    body.on('data', () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), stallMs);
    });
    await pipeline(body, createWriteStream(part, { flags }));
  } finally {
    clearTimeout(timer);
  }
}

/** Downloads to `file`, unless it is there: it never is with another checksum. */
export async function download(url: string, sha256: string, file: string): Promise<void> {
  if (existsSync(file)) return;
  const part = `${file}.part`;
  for (let failures = 0; ; ) {
    const before = sizeOf(part);
    try {
      await fetchRest(url, part);
      break;
    } catch (error) {
      if (error instanceof DownloadError) throw error;
      failures = sizeOf(part) > before ? 0 : failures + 1;
      if (failures === attempts) throw new DownloadError(reasonOf(error), { cause: error });
      await delay(1000);
    }
  }
  const found = await sha256OfFile(part);
  if (found !== sha256) {
    rmSync(part);
    throw new DownloadError(`its SHA-256 is ${found}; expected ${sha256}. It has been removed.`);
  }
  renameSync(part, file);
}
