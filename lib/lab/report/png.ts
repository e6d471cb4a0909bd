// PNG images of figures, for programs that can't show SVG.
import { Resvg } from '@resvg/resvg-js';

/** The PNG of an SVG, at twice its size, for print. */
export function pngOf(svg: string): Uint8Array {
  return new Resvg(svg, { background: '#ffffff', fitTo: { mode: 'zoom', value: 2 } })
    .render()
    .asPng();
}
