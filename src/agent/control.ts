import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { messageOf } from '../model/index.js';
import { realClock } from './clock.js';
import { controlPath, inodeOf, makeFolder, removeFile, restrict } from './state-dir/folders.js';
import { checkJson, type Shape } from './state-dir/foreign.js';

/** One line of JSON each way. A request longer than this is nobody's we know. */
const REQUEST_LENGTH_MAX = 4096;
const ANSWER_LENGTH_MAX = 16 * 1024 * 1024;
/** For a whole exchange, however often something comes meanwhile. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Commands of some people and a monitoring system: more is no one's we know. */
const CLIENTS_MAX = 32;
/** sockaddr_un(7), less the final zero; Node 20 cuts a longer path off, and makes the socket wherever that is. */
const PATH_BYTES_MAX = 107;
/** Takes every right from the others, and from the group until it is known. */
const NOBODY_ELSE = 0o177;
/** So often its file is looked for. */
const LOOK_INTERVAL_MS = 2_000;

/** What the running agent does when it is asked over its socket, by the request's first word; each is given the second, and its answer is sent as JSON. */
export type ControlHandlers = Readonly<Record<string, (argument: string) => unknown>>;

/** A question to the running agent, and what its answer has to look like. */
export interface ControlQuestion<Value> {
  readonly command: string;
  readonly answer: Shape<Value>;
}

export type ControlAnswer<Value> =
  | { readonly kind: 'answer'; readonly value: Value }
  /** Nobody listens: no agent runs in this network namespace, or it has another run_dir. */
  | { readonly kind: 'nobody' }
  /** Its socket is there, and this user may not use it. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'failed'; readonly message: string }
  /** Something answered, but not as an agent of this version does. */
  | { readonly kind: 'misunderstood'; readonly message: string };

export type NoAnswer = Exclude<ControlAnswer<never>, { readonly kind: 'answer' }>;

/**
 * Listens for other commands of this program on the same host, and does so again when its socket's file has gone. The caller
 * holds the one-agent lock, so a file that is there was left by an agent that was killed. `group` may use it besides the
 * agent's own user; null: the process's own group. `onFailure` hears what the file system says, or that there is no such
 * group, once until it listens again.
 */
export async function serveControl(
  runDir: string,
  group: string | null,
  handlers: ControlHandlers,
  onFailure: (error: unknown) => void,
): Promise<{ release(): Promise<void> }> {
  let listening: Listening | null = null;
  let cancel = (): void => {};
  let isTold = false;
  const keep = async (): Promise<void> => {
    try {
      if (listening?.isThere() !== true) {
        await listening?.close();
        listening = null;
        listening = await listen(controlPath(runDir), group, handlers);
      }
      isTold = false;
    } catch (error) {
      if (!isTold) onFailure(error);
      isTold = true;
    }
    cancel = realClock.after(LOOK_INTERVAL_MS, () => {
      looked = keep();
    });
  };
  let looked = keep();
  await looked;
  return {
    release: async () => {
      await looked;
      cancel();
      await listening?.close();
    },
  };
}

interface Listening {
  /** Whether its file is the one that was made: a cleaner of old files takes it away, or its folder, and tells nobody. */
  isThere(): boolean;
  close(): Promise<void>;
}

async function listen(path: string, group: string | null, handlers: ControlHandlers): Promise<Listening> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new Error(
      `${path} is longer than the ${PATH_BYTES_MAX} bytes that a socket's path may have: name a shorter run_dir`,
    );
  makeFolder(dirname(path));
  removeFile(path);
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    answer(socket, handlers);
  });
  server.maxConnections = CLIENTS_MAX;
  await new Promise<void>((settle, fail) => {
    server.once('error', fail);
    // Whoever connects before its rights are set would be served.
    const usual = process.umask(NOBODY_ELSE);
    server.listen(path, () => settle());
    process.umask(usual);
  });
  const close = async (): Promise<void> => {
    const closed = new Promise<unknown>((settle) => server.close(settle));
    for (const client of clients) client.destroy();
    await closed;
    removeFile(path);
  };
  try {
    restrict(path, group);
    const inode = inodeOf(path);
    return { isThere: () => inodeOf(path) === inode, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function answer(socket: Socket, handlers: ControlHandlers): void {
  let text = '';
  socket.setEncoding('utf8');
  const cancel = realClock.after(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.once('close', cancel);
  // A client that goes away before it has its answer is no concern of the agent's.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > REQUEST_LENGTH_MAX) socket.destroy();
    else if (text.includes('\n') && !socket.writableEnded)
      socket.end(`${JSON.stringify(respond(text.trim(), handlers))}\n`);
  });
}

function respond(request: string, handlers: ControlHandlers): unknown {
  const [command = '', argument = ''] = request.split(' ', 2);
  const handler = Object.hasOwn(handlers, command) ? handlers[command] : undefined;
  if (handler === undefined) {
    return { error: `the running agent does not know ${JSON.stringify(command.slice(0, 40))}` };
  }
  try {
    return { value: handler(argument) };
  } catch (error) {
    // Whoever asks hears of it; a question must never end the agent.
    return { error: `the running agent failed to answer: ${messageOf(error)}` };
  }
}

/** Asks the agent that runs in this network namespace. Never throws; ends within its time limit. */
export function askAgent<Value>(
  runDir: string,
  { command, answer: shape }: ControlQuestion<Value>,
): Promise<ControlAnswer<Value>> {
  return new Promise((settle) => {
    let text = '';
    const socket = connect(controlPath(runDir));
    socket.setEncoding('utf8');
    const cancel = realClock.after(ANSWER_TIMEOUT_MS, () => {
      settle({
        kind: 'failed',
        message: `the running agent did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`,
      });
      socket.destroy();
    });
    socket.once('close', cancel);
    socket.on('error', (error: NodeJS.ErrnoException) => settle(notConnected(error)));
    socket.on('connect', () => socket.write(`${command}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_LENGTH_MAX)
        socket.destroy(new Error('the answer of the running agent is too long'));
    });
    socket.on('end', () => settle(parseAnswer(text, shape)));
  });
}

function notConnected(error: NodeJS.ErrnoException): NoAnswer {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return { kind: 'nobody' };
  if (error.code === 'EACCES') return { kind: 'forbidden' };
  return { kind: 'failed', message: `the running agent cannot be asked: ${error.message}` };
}

const REFUSAL = v.object({ error: v.string() });

function parseAnswer<Value>(text: string, shape: Shape<Value>): ControlAnswer<Value> {
  const refusal = checkJson(REFUSAL, text);
  if (refusal.ok) return { kind: 'failed', message: refusal.value.error };
  const answer = checkJson(v.object({ value: shape }), text);
  if (answer.ok) return { kind: 'answer', value: answer.value.value };
  return {
    kind: 'misunderstood',
    message: `the running agent${ofVersion(text)} gave an answer that this command does not understand (${answer.wrong}): start the agent again, so that both are of one version`,
  };
}

const SAYS_VERSION = v.object({ value: v.object({ version: v.pipe(v.string(), v.maxLength(40)) }) });

/** What the agent says of itself, whatever else it says. */
function ofVersion(text: string): string {
  const said = checkJson(SAYS_VERSION, text);
  return said.ok ? ` (version ${said.value.value.version})` : '';
}
