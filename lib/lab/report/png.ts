// Pictures for programs that show no SVG.
import { Resvg } from '@resvg/resvg-js';

/** Twice the size, for print. */
export function pngOf(svg: string): Uint8Array {
  return new Resvg(svg, { background: '#ffffff', fitTo: { mode: 'zoom', value: 2 } })
    .render()
    .asPng();
}
