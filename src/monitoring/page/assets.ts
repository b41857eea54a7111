import { readFileSync } from 'node:fs';

/** What the browser gets beside the page, from the files of these names. What is built has the texts in itself: see build.mjs. */
const text = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

export const STYLE = text('page.css');
export const SCRIPT = text('page.js');
