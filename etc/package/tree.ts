import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { bashCompletion, zshCompletion } from './completion.js';
import { filesIn, type Root } from './files.js';
import { manPage } from './man-page.js';

export const NAME = 'quantum-linuxbridge-agent';
export const CONFIGURATION = `etc/quantum/${NAME}.ini`;
const PROGRAM = `usr/lib/${NAME}`;
const DOCUMENTS = `usr/share/doc/${NAME}`;

/** What is packed, and where it comes from. */
export interface Sources {
  readonly project: string;
  /** The folder of npm's package with the Node that is shipped. */
  readonly node: string;
  readonly version: string;
  /** `Name <address>`. */
  readonly maintainer: string;
  /** Seconds since 1970: the time of everything in the package. */
  readonly epoch: number;
}

/** Puts into `root` what both packages have, at the places that systems of their kind agree on. */
export function fill(root: Root, sources: Sources, zshFolder: string): void {
  const { project, version, epoch } = sources;
  const etc = (path: string): string => join(project, 'etc', path);
  const date = new Date(epoch * 1_000).toISOString().slice(0, 10);
  const page = manPage(version, date, readFileSync(etc('README.md'), 'utf8'));

  fillProgram(root, sources);
  root.copy(etc(`${NAME}.ini`), CONFIGURATION);
  for (const unit of readdirSync(etc('systemd')))
    root.copy(etc(`systemd/${unit}`), `usr/lib/systemd/system/${unit}`);
  root.write(`usr/share/man/man8/${NAME}.8.gz`, gzipSync(page, { level: 9 }));
  root.write(`usr/share/bash-completion/completions/${NAME}`, bashCompletion());
  root.write(`${zshFolder}/_${NAME}`, zshCompletion());
  for (const paper of ['README.md', 'ERRORS.md', 'METRICS.md'])
    root.copy(etc(paper), `${DOCUMENTS}/${paper}`);
  root.copy(join(project, 'CHANGELOG.md'), `${DOCUMENTS}/CHANGELOG.md`);
  // Not in /etc/cron.d: who installs the package has not yet said that the agent is to run.
  for (const folder of ['cron.d', 'icinga2', 'prometheus', 'grafana'])
    for (const path of filesIn(etc(folder)))
      root.copy(etc(`${folder}/${path}`), `${DOCUMENTS}/examples/${folder}/${path}`);
  root.write(`${DOCUMENTS}/copyright`, COPYRIGHT);
  root.write(`${DOCUMENTS}/third-party-terms.gz`, gzipSync(thirdPartyTerms(sources), { level: 9 }));
}

/** The built program, the Node that runs it, and of its libraries what is not built in. */
function fillProgram(root: Root, { project, node, version }: Sources): void {
  const dist = join(project, 'dist');
  const [first = '', ...program] = readFileSync(join(dist, 'cli.js'), 'utf8').split('\n');
  const flags = /^#!\/usr\/bin\/env -S node (.*)$/.exec(first)?.[1];
  if (flags === undefined)
    throw new Error(`dist/cli.js begins with "${first}", which starts no Node: build it again.`);
  for (const path of filesIn(dist)) root.copy(join(dist, path), `${PROGRAM}/dist/${path}`);
  root.write(`${PROGRAM}/dist/cli.js`, program.join('\n'));
  root.copy(join(node, 'bin/node'), `${PROGRAM}/node`, 0o755);
  root.write(`${PROGRAM}/package.json`, `${JSON.stringify({ name: NAME, version, type: 'module' })}\n`);
  root.write(
    `usr/bin/${NAME}`,
    `#!/bin/sh\nexec /${PROGRAM}/node ${flags} /${PROGRAM}/dist/cli.js "$@"\n`,
    0o755,
  );

  const modules = join(project, 'node_modules');
  const koffi = filesIn(join(modules, 'koffi')).filter((path) =>
    /^(package\.json|(src\/koffi\/)?index\.c?js|src\/koffi\/src\/static\.c?js)$/.test(path),
  );
  for (const path of koffi) root.copy(join(modules, 'koffi', path), `${PROGRAM}/node_modules/koffi/${path}`);
  // Not musl_x64: this Node is made for glibc.
  for (const path of ['package.json', 'index.js', 'linux_x64/koffi.node'])
    root.copy(
      join(modules, '@koromix/koffi-linux-x64', path),
      `${PROGRAM}/node_modules/@koromix/koffi-linux-x64/${path}`,
    );
  const pretty = buildSync({
    // Names in comments are those of files below it.
    absWorkingDir: project,
    entryPoints: ['node_modules/pino-pretty/index.js'],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    logLevel: 'warning',
  });
  root.write(`${PROGRAM}/node_modules/pino-pretty/index.js`, pretty.outputFiles[0]?.contents ?? '');
  root.write(
    `${PROGRAM}/node_modules/pino-pretty/package.json`,
    '{"name":"pino-pretty","main":"index.js"}\n',
  );
}

const COPYRIGHT = `Copyright: the authors of ${NAME}

${NAME} is licensed under the Apache License, Version 2.0; on Debian systems its text is in
/usr/share/common-licenses/Apache-2.0. It comes with Node.js and with libraries whose terms are in third-party-terms.gz.
`;

/** The terms of Node, and of every library that may be built in. */
function thirdPartyTerms({ project, node }: Sources): string {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { dev?: boolean; optional?: boolean; license?: string }>>;
  };
  const libraries = Object.entries(lock.packages)
    .filter(
      ([path, { dev, optional }]) => path !== '' && !dev && !optional && existsSync(join(project, path)),
    )
    .map(([path, { license }]) => {
      const file = readdirSync(join(project, path)).find((name) => /^licen[cs]e/i.test(name));
      const terms = file === undefined ? `${license}\n` : readFileSync(join(project, path, file), 'utf8');
      return `${path.split('node_modules/').at(-1)}\n\n${terms}`;
    });
  return [`Node.js\n\n${readFileSync(join(node, 'LICENSE'), 'utf8')}`, ...libraries].join(
    `\n${'-'.repeat(70)}\n\n`,
  );
}
