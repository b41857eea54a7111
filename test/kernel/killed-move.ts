import { realClock } from '../../src/agent/clock.js';
import { openJournal } from '../../src/agent/state-dir/journal.js';
import { openStore } from '../../src/agent/state-dir/store.js';
import { applyOperations } from '../../src/kernel/apply.js';
import { decodeLink, getLink } from '../../src/kernel/links.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import type { Operation } from '../../src/model/operation.js';

/** Started by killed-move.test.ts: moves addresses and kills itself at the point that it is told. */
const [folder = '', point = '', text = ''] = process.argv.slice(2);
const dieAt = (here: string): void => {
  if (here === point) process.kill(process.pid, 'SIGKILL');
};

const requests = openRequests();
const journal = openJournal(openStore(folder, 'host1', realClock, () => {}));
/** What has just been answered, by how many exchanges there were since it was written down. */
const POINTS = ['given', 'moved'];
let exchanges: number | null = null;
const [outcome] = applyOperations(
  {
    requests: {
      ...requests,
      exchange: (list) => {
        const answers = requests.exchange(list);
        if (exchanges !== null) dieAt(POINTS[exchanges++] ?? 'later');
        return answers;
      },
    },
    journal: {
      begin: (move) => {
        journal.begin(move);
        exchanges = 0;
        dieAt('written down');
      },
      done: journal.done,
    },
    tapFilter: { set: () => {} },
    lacking: { vlanFiltering: null },
    catchUp: () => {},
    linkAt: (index) => requests.get(getLink(index), decodeLink),
    refresh: () => {},
  },
  [JSON.parse(text) as Operation],
);
throw new Error(`it lived on: ${JSON.stringify(outcome)}`);
