import type { ForwardingAnswer, ForwardingQuestion, TunnelQuestion } from '../../model/forwarding.js';
import { isSame } from '../../model/same.js';
import type { Row } from '../connection.js';
import { type Period, periodFromNow } from '../limit.js';
import { chunks } from '../lookup.js';
import {
  type Ask,
  askCounts,
  askEnds,
  askHosts,
  askStandbys,
  askVnis,
  boundOf,
  type ForwardingReader,
  keyOf,
  ROWS_PER_STATEMENT,
  some,
  TERMS_MAX,
} from './asks.js';
import { answerOf, NO_NOTES, type Notes, namedIn, pruned, withoutEnds } from './notes.js';
import type { ForwardingSource } from './source.js';

/** So many bindings are counted in a poll (2 to 3 ms warm); further ones in the next, in rotation. */
const COUNTED_PER_POLL = 10_000;
/** So many are read again in each poll where only ports can be counted: a port that moves changes no count. */
const MOVES_PER_POLL = 500;
/** Where tunnels end changes when a host is renumbered. */
const ENDS_MS = 60_000;
/** A digest may miss a change in some ten thousand: everything is read again. */
const ANEW_MS = 600_000;

/** What was read, and what the next poll asks. */
export interface ForwardingReading {
  readonly question: ForwardingQuestion;
  readonly notes: Notes;
  /** Key of the segment (or network) that was counted last. */
  readonly turn: string;
  /** What of this round is to be read again however its count is. */
  readonly round: readonly TunnelQuestion[];
  readonly terms: { readonly ends: Period; readonly anew: Period };
  readonly asks: readonly Ask[];
  readonly answer: ForwardingAnswer;
}

/**
 * Takes in the rows of the asks of `before`; null: something has changed and more is to be read, in a snapshot that is
 * still open (`readForwarding`). In the steady state the one SELECT of a poll.
 */
export function heardForwarding(
  reader: ForwardingReader,
  before: ForwardingReading,
  rows: readonly (readonly Row[])[],
): ForwardingReading | null {
  const notes = taken(before.notes, before.asks, rows);
  return furtherAsks(reader, before, notes).length === 0 ? settled(reader, before, notes) : null;
}

/** Reads what is to be known for the question, within the snapshot that is open. Rejects with the driver's error. */
export async function readForwarding(
  reader: ForwardingReader,
  question: ForwardingQuestion,
  before: ForwardingReading | null,
): Promise<ForwardingReading> {
  const start = before === null ? begun(reader, question) : asking(reader, before, question);
  let notes = start.notes;
  let asks = start.asks;
  // Counts, then lists of hosts, then where the tunnels of new hosts end.
  for (let step = 0; step < STEPS && asks.length > 0; step++) {
    const rows: (readonly Row[])[] = [];
    for (const { statement } of asks) rows.push(await reader.connection.select(statement));
    notes = taken(notes, asks, rows);
    asks = furtherAsks(reader, start, notes);
  }
  return settled(reader, start, notes);
}

const STEPS = 4;

const taken = (notes: Notes, asks: readonly Ask[], rows: readonly (readonly Row[])[]): Notes =>
  asks.reduce((now, { take }, at) => take(now, rows[at] ?? []), notes);

function begun(reader: ForwardingReader, question: ForwardingQuestion): ForwardingReading {
  const { period = periodFromNow } = reader;
  const terms = { ends: period(ENDS_MS), anew: period(ANEW_MS) };
  const answer = answerOf(NO_NOTES, question);
  return planned(reader, { question, notes: NO_NOTES, turn: '', round: [], terms, asks: [], answer });
}

/** The same for another question: what is known of what is still asked about stays. */
function asking(
  reader: ForwardingReader,
  before: ForwardingReading,
  question: ForwardingQuestion,
): ForwardingReading {
  if (isSame(before.question, question)) return before;
  const notes = pruned(before.notes, question);
  return planned(reader, { ...before, question, notes, answer: answerOf(notes, question) });
}

/** The reading after a poll; what is not changed keeps the answer. */
function settled(reader: ForwardingReader, start: ForwardingReading, notes: Notes): ForwardingReading {
  const { question } = start;
  if (isSameAnswer(notes, start.notes)) return planned(reader, { ...start, notes });
  const last = reader.source.hasAgents ? pruned(notes, question) : withoutEnds(pruned(notes, question));
  return planned(reader, { ...start, notes: last, answer: answerOf(last, question) });
}

const areSameLists = (now: Notes, before: Notes): boolean =>
  now.hosts === before.hosts && now.standbys === before.standbys;

const isSameAnswer = (now: Notes, before: Notes): boolean =>
  areSameLists(now, before) && now.ends === before.ends && now.vnis === before.vnis;

/** With what the next poll asks. The same asks are the same objects, whose statements are built once. */
function planned(reader: ForwardingReader, reading: ForwardingReading): ForwardingReading {
  const { period = periodFromNow, source } = reader;
  const { terms, question, notes } = reading;
  const [isEndsDue, isAnewDue] = [terms.ends.isOver(), terms.anew.isOver()];
  const isOver = reading.round.length === 0 && (source.countsBy === 'network' || isAnewDue);
  const round = isOver ? question.tunnels : reading.round;
  const again = some(round, source.countsBy === 'network' ? MOVES_PER_POLL : ROWS_PER_STATEMENT, (one) =>
    boundOf(source, notes, one),
  );
  const due = countsDue(source, reading);
  const asks = [
    ...chunks(due, TERMS_MAX).map((keys) => askCounts(reader, keys)),
    ...askHosts(
      reader,
      notes,
      again.filter(({ segment }) => notes.hosts.has(segment)),
    ),
    ...(isEndsDue ? askEnds(reader, [...namedIn(notes)]) : []),
    ...(isEndsDue ? askStandbys(reader, networksOf(question)) : []),
    ...askVnis(reader, question.vnis),
  ];
  const isAsBefore =
    asks.length === reading.asks.length && asks.every(({ about }, at) => about === reading.asks[at]?.about);
  return {
    ...reading,
    turn: due.at(-1) ?? '',
    round: round.slice(again.length),
    terms: {
      ends: isEndsDue ? period(ENDS_MS) : terms.ends,
      anew: isAnewDue ? period(ANEW_MS) : terms.anew,
    },
    asks: isAsBefore ? reading.asks : asks,
  };
}

/** What is to be asked besides, in the same snapshot, once these notes are taken. */
function furtherAsks(
  reader: ForwardingReader,
  { question, notes: before }: ForwardingReading,
  notes: Notes,
): readonly Ask[] {
  const isStale = (one: TunnelQuestion): boolean => {
    const count = notes.counts.get(keyOf(reader.source, one));
    return count !== undefined && count !== notes.listedAt.get(one.segment);
  };
  const ends = areSameLists(notes, before) ? [] : [...namedIn(notes)].filter((host) => !notes.ends.has(host));
  const standbys = networksOf(question).filter((network) => !notes.standbys.has(network));
  return [
    ...askHosts(reader, notes, question.tunnels.filter(isStale)),
    ...askStandbys(reader, standbys),
    ...askEnds(reader, ends),
  ];
}

const networksOf = ({ tunnels }: ForwardingQuestion): readonly string[] => [
  ...new Set(tunnels.map(({ network }) => network)),
];

/** What was never counted, and of the rest as much as fits, beginning behind what was counted last. */
function countsDue(
  source: ForwardingSource,
  { question, notes, turn }: ForwardingReading,
): readonly string[] {
  const keys = [...new Set(question.tunnels.map((one) => keyOf(source, one)))].sort();
  const known = keys.filter((key) => notes.counts.has(key));
  const bound = (key: string): number => notes.counts.get(key)?.bound ?? 0;
  const isSmall = known.reduce((sum, key) => sum + Math.max(1, bound(key)), 0) <= COUNTED_PER_POLL;
  const turned = isSmall
    ? known
    : [...known.filter((key) => key > turn), ...known.filter((key) => key <= turn)];
  return [...keys.filter((key) => !notes.counts.has(key)), ...some(turned, COUNTED_PER_POLL, bound)];
}
