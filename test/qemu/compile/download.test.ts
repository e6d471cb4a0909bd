import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DownloadError, download } from '../../../lib/qemu/compile/download.js';

const content = Buffer.from('a release\n'.repeat(1000));
const sha256 = createHash('sha256').update(content).digest('hex');

let directory: string;
let file: string;
let server: Server;
let url: string;
let ranges: (string | undefined)[];
let respond: (request: IncomingMessage, response: ServerResponse) => void;

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200).end(content.subarray(from));
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  file = join(directory, 'release.tar.xz');
  ranges = [];
  respond = sendRange;
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/release`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

describe('a download', () => {
  it('is not made twice', async () => {
    await download(url, sha256, file);
    await download(url, sha256, file);
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(ranges).toHaveLength(1);
  });

  it('goes on where an earlier one stopped', async () => {
    writeFileSync(`${file}.part`, content.subarray(0, 4000));
    await download(url, sha256, file);
    expect(ranges).toEqual(['bytes=4000-']);
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it('goes on when the connection breaks', async () => {
    respond = (_, response) => {
      respond = sendRange;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 5000), () => response.destroy());
    };
    await download(url, sha256, file);
    // How much has arrived by then is a matter of luck.
    expect(ranges).toHaveLength(2);
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it('begins again with a server that knows no ranges', async () => {
    writeFileSync(`${file}.part`, 'something else');
    respond = (_, response) => response.writeHead(200).end(content);
    await download(url, sha256, file);
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it('with another checksum is an error, and leaves nothing', async () => {
    const wrong = download(url, '0'.repeat(64), file);
    await expect(wrong).rejects.toThrow(new RegExp(`${sha256}.*expected 0000`));
    expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
  });

  it('says what the server answers', async () => {
    respond = (_, response) => response.writeHead(404).end();
    await expect(download(url, sha256, file)).rejects.toThrow(/404/);
    await expect(download(url, sha256, file)).rejects.toThrow(DownloadError);
  });

  it('gives up at once on a host that refuses', async () => {
    await expect(download('http://127.0.0.1:1/', sha256, file)).rejects.toThrow(
      /ECONNREFUSED|bad port/,
    );
  });
});
