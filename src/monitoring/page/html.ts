/** Text that is safe to stand in a page: made by `html`, never by hand. */
export interface Html {
  readonly html: string;
}

export type Content = Html | string | number | null | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it, in an element or in a quoted attribute; control characters, which no page may hold, become U+FFFD. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '').replace(/[^\P{Cc}\n\t]/gu, '\ufffd');

/**
 * HTML as written, with the values escaped: ids, names and messages come from the database and from links that others
 * made. `Html` stands as it is, a list is joined, null is nothing.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: parts.map((part, at) => part + (at < values.length ? textOf(values[at]) : '')).join('') };
}

/** What is folded away until somebody opens it. */
export const fold = (summary: string, body: Content): Html =>
  html`<details class="fold"><summary>${summary}</summary>${body}</details>`;

function textOf(content: Content | undefined): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return escaped(content);
  if (typeof content === 'number') return String(content);
  return 'html' in content ? content.html : content.map(textOf).join('');
}
