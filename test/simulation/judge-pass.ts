import { type HostState, networkOfLabel, type PassReport, type Settings } from '../../src/model/index.js';
import type { Telling } from './database.js';
import type { Joined } from './judge-joined.js';
import type { Loss } from './judge-operation.js';
import {
  isAgentBridge,
  isPlugged,
  isServedHere,
  isTapName,
  type Knowledge,
  membersOf,
  rowOfTap,
} from './knowledge.js';

/** What is only known for the length of one pass. */
export interface Pass {
  readonly wiredBefore: number;
  readonly losses: Loss[];
  readonly refused: Set<string>;
  /** Taps that should have left a bridge before another one came. */
  readonly overdue: { readonly device: string; readonly text: string }[];
  /** See `Homes`. */
  readonly joined: Joined[];
}

export const startPass = (before: HostState, { host }: Settings): Pass => ({
  wiredBefore: [...before.links.values()].filter(
    (link) => isTapName(link.name) && isPlugged(before, link, host),
  ).length,
  losses: [],
  refused: new Set(),
  overdue: [],
  joined: [],
});

/** The last wired taps, and what should have left a bridge first. How many wires may go is the ledger's matter. */
export function judgePass(
  { wiredBefore, losses, refused, overdue, joined }: Pass,
  report: PassReport | null,
  isAccepted: boolean,
  { release }: Settings['guard'],
): string[] {
  const late = report !== null && report.held.length === 0 ? overdue : [];
  const isHeld = ({ device }: Joined): boolean => report?.held.some((one) => one.device === device) === true;
  const faults = [
    ...late.filter(({ device }) => !refused.has(device)).map(({ text }) => text),
    ...joined.filter(isHeld).map(({ text }) => text),
  ];
  if (isAccepted || release === 'auto') return faults;
  const lost = new Set(losses.flatMap(({ taps }) => taps)).size;
  const isByMissingRow = losses.some(({ taps, byMissingRow }) => byMissingRow && taps.length > 0);
  if (isByMissingRow && lost >= wiredBefore) {
    faults.push(`the last of ${wiredBefore} taps lost its wire because rows were missing`);
  }
  return faults;
}

/** Something came into a bridge while a tap was still in it whose row is on another network. */
export function overdueTaps(
  before: HostState,
  after: HostState,
  knowledge: Knowledge,
  { presentWhenAsked }: Telling,
): Pass['overdue'] {
  const joined = [...after.links.values()].filter(
    ({ index, master }) => master !== null && before.links.get(index)?.master !== master,
  );
  return joined.flatMap((link) => {
    const bridge = link.master === null ? undefined : after.links.get(link.master);
    if (bridge === undefined || !isAgentBridge(bridge)) return [];
    return membersOf(after, bridge)
      .filter(({ index, name }) => index !== link.index && isTapName(name) && presentWhenAsked.has(index))
      .flatMap((tap) => {
        const row = rowOfTap(knowledge, tap.name);
        const isOther = row.kind === 'one' && isServedHere(row.port) && row.port.adminUp;
        return isOther && row.port.networkId !== networkOfLabel(bridge.alias)
          ? [
              {
                device: tap.name,
                text: `${link.name} came into ${bridge.name} while ${tap.name} of another network was in it`,
              },
            ]
          : [];
      });
  });
}
