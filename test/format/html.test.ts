// HTML that is escaped by construction.
import { expect, it } from 'vitest';
import { html, trustedHtml } from '../../lib/format/html.js';

const text = `<b>"Tom" & 'Jerry'</b>`;
const escaped = '&lt;b&gt;&quot;Tom&quot; &amp; &#39;Jerry&#39;&lt;/b&gt;';

it('escapes text wherever it is inserted, also in attributes and lists', () => {
  expect(String(html`<p title="${text}">${text}</p>`)).toBe(`<p title="${escaped}">${escaped}</p>`);
  expect(String(html`<p>${[text, [text, 7]]}</p>`)).toBe(`<p>${escaped}${escaped}7</p>`);
});

it('does not escape pieces again', () => {
  const items = [text, 'b'].map((item) => html`<li>${item}</li>`);
  expect(String(html`<ul>${items}</ul>`)).toBe(`<ul><li>${escaped}</li><li>b</li></ul>`);
});

it('lets only trusted markup through', () => {
  expect(String(html`<p>${trustedHtml('<svg/>')}</p>`)).toBe('<p><svg/></p>');
});
