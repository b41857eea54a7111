import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';

/** knex knows many databases and would bring the drivers of all of them; here it only builds statements. */
const ENGINES = ['./mysql', './mysql2', './postgres'];
const onlyServedEngines = {
  name: 'only the engines that are served',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/[\w-]+$/ }, ({ path, importer }) =>
      importer.endsWith('knex/lib/dialects/index.js') && !ENGINES.includes(path)
        ? { path, external: true }
        : undefined,
    );
    onResolve({ filter: /^(pg|mysql2)$/ }, ({ path, importer }) =>
      importer.includes('/knex/') ? { path, external: true } : undefined,
    );
  },
};

/** The page's style and script are files of their own; what is built carries them as texts and reads no file. */
const pageInside = {
  name: 'the page inside',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/monitoring\/page\/assets\.ts$/ }, () => ({
      contents: `export { default as STYLE } from './page.css' with { type: 'text' };
        export { default as SCRIPT } from './page.js' with { type: 'text' };`,
      resolveDir: 'src/monitoring/page',
    }));
  },
};

const common = { format: 'esm', platform: 'node', target: 'node20', logLevel: 'warning' };

await rm('dist', { recursive: true, force: true });
// The program and its libraries in a few files: to find and compile hundreds of modules is a third of a start, and takes
// 10 MiB. What only some commands need is in files of its own, which are loaded when it is wanted.
await build({
  ...common,
  entryPoints: ['src/cli.ts'],
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  plugins: [onlyServedEngines, pageInside],
  // koffi brings native code, pino-pretty is for people; the others are what knex and pg would like to have.
  external: ['koffi', 'pino-pretty', 'mysql', 'pg-native', 'pg-query-stream'],
  // pg looks for Cloudflare's runtime by making a Response, for which Node loads its whole HTTP client.
  define: { Response: 'undefined' },
  // Libraries in CommonJS ask for Node's modules with `require`.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
});
// knex reads its migrations from a folder, by name.
await build({
  ...common,
  entryPoints: ['migrations/**/*.ts'],
  outbase: 'migrations',
  outdir: 'dist/migrations',
});
await chmod('dist/cli.js', 0o755);
