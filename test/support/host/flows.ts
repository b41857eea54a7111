import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess } from './netns.js';

/** Each flow sends a packet so often. */
export const INTERVAL_MS = 10;

/** A namespace and its address in it. */
export interface End {
  readonly namespace: string;
  readonly address: string;
}

export interface Flow {
  readonly from: End;
  readonly to: End;
}

/** What became of a flow since all of them were answered for the first time. */
export interface Counted {
  readonly flow: string;
  readonly sent: number;
  /** Packets that never came back. */
  readonly lost: number;
}

export const nameOf = ({ from, to }: Flow): string =>
  `${from.namespace} ${from.address} to ${to.namespace} ${to.address}`;

/** Packets that flow between many namespaces at once. */
export interface Flows {
  /** How many were sent until now, and how many of them never came back. */
  count(): Promise<readonly Counted[]>;
}

/** Lets a packet go to and fro on each flow every 10 ms; resolves when each was answered. Ends with the test. */
export async function startFlows(t: Cleanup, flows: readonly Flow[]): Promise<Flows> {
  const sender = fork(fileURLToPath(new URL('./flow-sender.ts', import.meta.url)));
  t.after(() => endProcess(sender));
  const answer = async <Answer>(): Promise<Answer> => {
    const [message] = (await once(sender, 'message', { signal: AbortSignal.timeout(HANG_LIMIT_MS) })) as [
      Answer,
    ];
    return message;
  };
  sender.send(flows);
  await answer<'ready'>();
  return {
    count: () => {
      sender.send('count');
      return answer<readonly Counted[]>();
    },
  };
}
