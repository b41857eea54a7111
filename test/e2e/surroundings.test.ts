import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { secondNode } from '../runner/second-node.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, PROGRAM, runCli, startAgent } from '../support/host/agent.js';
import { makeHost } from '../support/host/host.js';
import { type Cleanup, spawnIn } from '../support/host/netns.js';

const ABSENT = 'mysql://quantum:secret@localhost/quantum?unix_socket=/nonexistent/socket';
const DEBUGGER_PORT = ':9229';
const STACK = /^ +at .+:\d+/m;
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** What listens on TCP in a namespace. */
const listening = (namespace: string): string =>
  execFileSync('ip', ['netns', 'exec', namespace, 'ss', '-Htln'], { encoding: 'utf8' });

const config = (): string => makeConfig({ url: ABSENT, database: ['reconnect_interval = 1'] }).path;
const upLoopback = (namespace: string): void =>
  void execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);

function hostOf(t: Cleanup): string {
  const { namespace } = makeHost(t);
  upLoopback(namespace);
  return namespace;
}

/** Runs a shell script in a namespace; `$0` is the program, `$1` a configuration file. */
async function shell(namespace: string, script: string): Promise<{ code: number; stderr: string }> {
  const program = `${process.execPath} ${PROGRAM}`;
  const child = spawnIn(namespace, 'sh', '-c', script, program, config());
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdout?.resume();
  const [code] = await once(child, 'close');
  return { code, stderr };
}

test('SIGUSR1 opens no debugger of a running agent, which works on', async (t) => {
  const namespace = hostOf(t);
  const agent = await startAgent(t, namespace, makeConfig({ url: ABSENT }));
  agent.signal('SIGUSR1');
  const since = agent.lines().length;
  agent.signal('SIGHUP');
  await agent.line('settings read again', since);
  assert.ok(!listening(namespace).includes(DEBUGGER_PORT), listening(namespace));
});

/** As soon as the process has handlers of Node's own, long before the first line of the program. */
async function signalEarly(
  t: Cleanup,
  namespace: string,
  node: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn('ip', ['netns', 'exec', namespace, node, PROGRAM, '--config-file', config(), 'run'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const { pid } = child;
  t.after(() => void child.kill('SIGKILL'));
  let stderr = '';
  const started = new Promise<void>((settle) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
      if (stderr.includes('database lost')) settle();
    });
  });
  const catches = (): boolean => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${caught}`) >> 9n) & 1n) === 1n;
  };
  while (!catches()) await new Promise(setImmediate);
  child.kill('SIGUSR1');
  await started;
  await waitUntil(() => !listening(namespace).includes(DEBUGGER_PORT), `no debugger:\n${stderr}`);
  return stderr;
}

test('SIGUSR1 that comes before the program is loaded leaves no debugger open', async (t) => {
  await signalEarly(t, hostOf(t), process.execPath);
});

test('nor on the other Node that the suites run on', async (t) => {
  const other = await secondNode(PROJECT);
  assert.ok(other.ok, other.ok ? '' : other.reason);
  await signalEarly(t, hostOf(t), other.program);
});

for (const unit of ['quantum-linuxbridge-agent.service', 'quantum-linuxbridge-agent-once.service'])
  test(`as ${unit} starts it, SIGUSR1 opens no debugger at all, not for a moment`, async (t) => {
    const lines = readFileSync(`${PROJECT}/etc/systemd/${unit}`, 'utf8');
    const options = /^Environment=NODE_OPTIONS=(.+)$/m.exec(lines)?.[1] ?? '';
    const stderr = await signalEarly(t, hostOf(t), process.execPath, { NODE_OPTIONS: options });
    assert.doesNotMatch(stderr, /Debugger listening/);
  });

test('a user without an account and without HOME gets no stack, and the folders of the system', async (t) => {
  const namespace = hostOf(t);
  const prefix = [
    'env',
    '--unset=HOME',
    '--unset=XDG_STATE_HOME',
    'setpriv',
    '--reuid=61234',
    '--clear-groups',
    '--',
  ];
  const path = makeConfig({ url: ABSENT, folders: 'default' }).path;
  chmodSync(dirname(path), 0o755);
  const { code, stdout, stderr } = await runCli(namespace, ['--config-file', path, 'config', 'show'], {
    prefix,
  });
  assert.deepEqual({ code, stderr: STACK.test(stderr) }, { code: 0, stderr: false }, stderr + stdout);
  assert.match(stdout, /^state_dir +\/var\/lib\/quantum-/m);
});

test('a log on a full disk ends no agent', async (t) => {
  const { code } = await shell(hostOf(t), 'timeout 3 $0 --config-file $1 run 2>/dev/full');
  assert.equal(code, 124, 'it was at work until its time was up');
});

for (const [what, script] of [
  ['no /proc', 'umount -l /proc; LIMIT $0 --config-file $1 COMMAND'],
  ['a folder that is gone', 'd=$(mktemp -d); cd $d; rmdir $d; LIMIT $0 --config-file $1 COMMAND'],
  ['stdin, stdout and stderr closed', 'LIMIT $0 --config-file $1 COMMAND <&- >&- 2>&-'],
  ['stdout on a full disk', 'LIMIT $0 --config-file $1 COMMAND >/dev/full'],
] as const) {
  test(`no command shows a stack with ${what}`, async (t) => {
    const namespace = hostOf(t);
    for (const command of ['run', 'once', 'status', 'config show']) {
      const { stderr } = await shell(
        namespace,
        script.replace('LIMIT', 'timeout 2').replace('COMMAND', command),
      );
      assert.doesNotMatch(stderr, STACK, command);
    }
  });
}

test('output for which the disk has no room, or only half of it, is told and no success', async (t) => {
  const namespace = hostOf(t);
  for (const file of ['/dev/full', '/mnt/half']) {
    const script = `mount -t tmpfs -o size=4k tmpfs /mnt; $0 schema sql --dialect mysql >${file}`;
    const { code, stderr } = await shell(namespace, script);
    assert.equal(code, 1, file);
    assert.match(stderr, /SYSTEM_REFUSED: ENOSPC/);
  }
});

test('a file system that runs nothing is told as that, and not as a fault of the program', async (t) => {
  const libraries = `${PROJECT}node_modules/@koromix`;
  const script = `mount --bind ${libraries} ${libraries}; mount -o remount,bind,noexec ${libraries}; $0 --config-file $1 once`;
  const { code, stderr } = await shell(hostOf(t), script);
  assert.equal(code, 1);
  assert.match(stderr, /SYSTEM_REFUSED: .*koffi\.node: failed to map/);
  assert.doesNotMatch(stderr, STACK);
});
