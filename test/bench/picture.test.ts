import { describe, expect, it } from 'vitest';
import { svgOf } from '../../bench/report/picture.js';
import { algorithmNames } from '../../lib/index.js';
import { pngOf } from '../../lib/lab/report/png.js';
import { row, run } from './runs.js';

const rows = algorithmNames.flatMap((algorithm, at) => [
  row({ algorithm, nsPerPage: [100 * (at + 1)] }),
  row({ algorithm, mode: 'page', nsPerPage: [1000 * (at + 1)] }),
  row({ algorithm, mode: 'page-async', nsPerPage: [50_000] }),
  row({ algorithm, package: 'murmurhash3js-revisited', mode: 'page', nsPerPage: [600_000] }),
]);
const svg = svgOf(run({ rows }));

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where texts lie; letters are taken to be wide. */
function boxes(): Box[] {
  const texts = svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g);
  return [...texts].map(([, attributes = '', text = '']) => {
    const number = (pattern: RegExp) => Number(pattern.exec(attributes)?.[1] ?? 0);
    const size = number(/font-size:([\d.]+)px/) || 12;
    const width = text.length * size * 0.58;
    const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1] ?? 'start';
    const x = number(/translate\(([-\d.]+)/) + number(/ x="([-\d.]+)"/);
    const y = number(/translate\([-\d.]+ ([-\d.]+)/) + number(/ y="([-\d.]+)"/);
    const left = anchor === 'end' ? x - width : anchor === 'middle' ? x - width / 2 : x;
    return { text, left, right: left + width, top: y - size / 2, bottom: y + size / 2 };
  });
}

describe('the picture', () => {
  it('is well formed: every element that begins ends, in order', () => {
    const open: string[] = [];
    for (const [tag, close, name = '', , selfClosing] of svg.matchAll(
      /<(\/?)([a-zA-Z]+)((?:[^>"]|"[^"]*")*?)(\/?)>/g,
    )) {
      if (close) expect(open.pop(), tag).toBe(name);
      else if (!selfClosing) open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('names every algorithm, what is measured, the unit, and the machine', () => {
    const texts = boxes().map(({ text }) => text);
    for (const algorithm of algorithmNames) {
      expect(texts).toContain(`${algorithm}: fakedirty, batch`);
      expect(texts).toContain(`${algorithm}: fakedirty, page`);
    }
    expect(texts).toContain('Time to hash a page of 4096 bytes, random');
    expect(texts.some((text) => text.includes('microseconds a page'))).toBe(true);
    expect(texts.some((text) => text.startsWith('Imaginary Processor'))).toBe(true);
    expect(texts).not.toContain('ph128: fakedirty, page-async');
  });

  it('has no text over another, and none outside', () => {
    const all = boxes();
    expect(all.length).toBeGreaterThan(60);
    for (const [at, one] of all.entries()) {
      expect(one.left, one.text).toBeGreaterThanOrEqual(0);
      expect(one.right, one.text).toBeLessThanOrEqual(1000);
      for (const other of all.slice(at + 1)) {
        const apart =
          one.right <= other.left ||
          other.right <= one.left ||
          one.bottom <= other.top ||
          other.bottom <= one.top;
        expect(apart, `${one.text} | ${other.text}`).toBe(true);
      }
    }
  });

  it('tells its bars apart without colours', () => {
    const fills = [...svg.matchAll(/fill="(#[0-9a-f]{3,6})"/g)].map(([, fill = '']) => fill);
    for (const fill of fills) expect(fill).toMatch(/^#(..)\1\1$|^#(.)\2\2$/);
    expect(svg).toMatch(/<pattern /);
  });

  it('begins its bars at the axis, so that lengths can be compared', () => {
    const starts = [...svg.matchAll(/<path d="M([\d.]+) [^"]*"[^>]*ecmeta_ssr_type="chart"/g)];
    expect(starts.length).toBeGreaterThanOrEqual(33);
    expect(new Set(starts.map(([, x]) => Math.round(Number(x)))).size).toBe(1);
  });

  it('becomes a PNG', () => {
    const png = Buffer.from(pngOf(svg));
    expect(png.subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
    expect(png.readUInt32BE(16)).toBe(2000);
  });
});
