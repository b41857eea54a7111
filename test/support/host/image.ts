import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { secondNode } from '../../runner/second-node.js';
import { privateFolder } from '../databases/servers.js';
import { makeDebian } from './container.js';
import { type Cleanup, command } from './netns.js';
import { PROJECT } from './package.js';

/** npm installs everything twice in it. */
const BUILD_LIMIT_MS = 20 * 60_000;

/** A service as `docker compose config` tells it, as far as it is run here. */
export interface Service {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network_mode: string;
  readonly cap_add?: readonly string[];
  readonly cap_drop: readonly string[];
  readonly security_opt?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly {
    readonly type: 'bind' | 'volume';
    readonly source: string;
    readonly target: string;
    readonly read_only?: boolean;
  }[];
  readonly secrets: readonly { readonly source: string }[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

/** Images of a storage of the test's own. */
export interface Images {
  /** The words that an image starts with, and its environment. */
  readonly entrypoint: readonly string[];
  readonly environment: readonly string[];
  /** A fresh copy of the image's files. */
  root(): string;
}

/** `node:26-slim` cannot be fetched here: a Debian with the Node that is shipped and this machine's npm goes by its name. */
export async function buildImage(): Promise<Images> {
  const storage = privateFolder('images');
  const buildah = (...args: readonly string[]): string =>
    execFileSync(
      'buildah',
      [
        '--storage-driver',
        'vfs',
        '--root',
        join(storage, 'root'),
        '--runroot',
        join(storage, 'run'),
        ...args,
      ],
      { cwd: PROJECT, encoding: 'utf8', timeout: BUILD_LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] },
    ).trim();
  const base = buildah('from', 'scratch');
  buildah('copy', '--quiet', base, await baseFiles(), '/');
  const variables = [`PATH=${PATH}`, `NODE_EXTRA_CA_CERTS=${AUTHORITIES}`].flatMap((one) => ['--env', one]);
  buildah('config', ...variables, base);
  buildah('commit', '--quiet', '--rm', base, 'docker.io/library/node:26-slim');
  const dockerfile = ['--file', 'etc/docker/Dockerfile', '--tag', NAME];
  buildah('bud', '--isolation', 'chroot', '--pull-never', ...dockerfile, '.');
  const { OCIv1 } = JSON.parse(buildah('inspect', '--type', 'image', `localhost/${NAME}`)) as {
    OCIv1: { config: { Entrypoint: string[]; Env: string[] } };
  };
  return {
    entrypoint: OCIv1.config.Entrypoint,
    environment: OCIv1.config.Env,
    root: () => buildah('mount', buildah('from', '--pull-never', `localhost/${NAME}`)),
  };
}

const NAME = 'quantum-linuxbridge-agent';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The authorities that this machine trusts: its npm registry may be a mirror. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

async function baseFiles(): Promise<string> {
  const node = await secondNode(PROJECT);
  if (!node.ok) throw new Error(node.reason);
  const folder = makeDebian('bookworm');
  const local = join(folder, 'usr/local');
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  mkdirSync(join(folder, dirname(AUTHORITIES)), { recursive: true });
  command('cp', node.program, join(local, 'bin/node'));
  command(
    'cp',
    '--archive',
    join(command('npm', 'root', '--global').trim(), 'npm'),
    join(local, 'lib/node_modules/npm'),
  );
  command('ln', '--symbolic', '--force', '../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  command('cp', '--dereference', AUTHORITIES, join(folder, AUTHORITIES));
  return folder;
}

/** The services of docker-compose.yml with a profile, in the words of Compose itself, which Debian 12 is too old for. */
export function composeServices(debian13: string, profile: string): Record<string, Service> {
  command('cp', join(PROJECT, 'docker-compose.yml'), join(debian13, 'srv'));
  const words = ['--project-directory', PROJECT, '--file', '/srv/docker-compose.yml', '--profile', profile];
  const printed = command(
    'chroot',
    ...[
      debian13,
      'env',
      'QUANTUM_DATABASE_PASSWORD=x',
      'docker-compose',
      ...words,
      'config',
      '--format',
      'json',
    ],
  );
  return (JSON.parse(printed) as { services: Record<string, Service> }).services;
}

export interface RunningService {
  /** Ends with the exit code of its first process; what it wrote to both streams comes along. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  /** The service's own health check: its exit code. */
  isHealthy(): boolean;
  stop(): void;
  /** As a machine that fails ends it. */
  kill(): void;
  /** What it has written to both streams so far. */
  output(): string;
}

let started = 0;

/** Runs a service of an image in a network namespace, with the rights and files that Compose would give it (runc). */
export function runService(
  t: Cleanup,
  images: Images,
  service: Service,
  place: { readonly namespace: string; readonly password: string; readonly state: string },
): RunningService {
  const id = `qlb-${process.pid}-${++started}`;
  const bundle = privateFolder('bundle');
  const root = images.root();
  for (const { source } of service.secrets) {
    mkdirSync(join(root, 'run/secrets'), { recursive: true });
    writeFileSync(join(root, 'run/secrets', source), place.password, { mode: 0o400 });
  }
  command('runc', 'spec', '--bundle', bundle);
  writeFileSync(
    join(bundle, 'config.json'),
    JSON.stringify(runtimeConfig(root, images, service, place.state)),
  );
  // Not by `ip netns exec`, which hides the cgroups. What is run in the container later is to be in that network as well.
  const runc = [`--net=/run/netns/${place.namespace}`, 'runc', '--root', join(bundle, 'runc')];
  const child = spawn('nsenter', [...runc, 'run', '--bundle', bundle, id], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  });
  const signal = (name: 'TERM' | 'KILL') => () => void command('nsenter', ...runc, 'kill', id, name);
  return {
    ended,
    output: () => output,
    isHealthy: () => {
      try {
        command('nsenter', ...runc, 'exec', id, ...(service.healthcheck?.test.slice(1) ?? ['false']));
        return true;
      } catch {
        return false;
      }
    },
    stop: signal('TERM'),
    kill: signal('KILL'),
  };
}

/** The runtime's configuration (OCI), as Docker derives it from these words of Compose. */
function runtimeConfig(root: string, images: Images, service: Service, state: string): object {
  const capabilities = (service.cap_add ?? []).map((name) => `CAP_${name}`);
  const says = (option: string): boolean => service.security_opt?.includes(option) ?? false;
  const guarded = says('systempaths=unconfined')
    ? []
    : ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'];
  const mounts = (service.volumes ?? []).map(({ type, source, target, read_only }) => ({
    destination: target,
    type: 'bind',
    source: type === 'bind' ? source : state,
    options: ['bind', read_only ? 'ro' : 'rw'],
  }));
  const temporary = (service.tmpfs ?? []).map((destination) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
  }));
  return {
    ociVersion: '1.0.2',
    process: {
      args: [...images.entrypoint, ...service.command],
      cwd: '/',
      env: [
        ...images.environment,
        ...Object.entries(service.environment).map(([name, value]) => `${name}=${value}`),
      ],
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: says('no-new-privileges:true'),
    },
    root: { path: root },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      ...temporary,
      ...mounts,
    ],
    // No network of its own (`network_mode: host`): that of the namespace in which the runtime is started.
    linux: { namespaces: ['pid', 'ipc', 'mount'].map((type) => ({ type })), readonlyPaths: guarded },
  };
}
