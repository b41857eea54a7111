import type { Answer, Question } from '../model/database.js';
import { isSame } from '../model/same.js';
import type { Warning } from '../model/warning.js';
import { count } from '../model/words.js';
import type { Feature } from './features.js';
import { isOfTables } from './generations/detect.js';
import { integer } from './generations/values.js';
import { type Period, periodFromNow } from './limit.js';
import { lookupsOf, matching } from './lookup.js';
import { type Reading, readSnapshot } from './read.js';
import type { Session } from './session.js';

/** Nothing is done about what is told here: it may be so old. */
const PERIOD_MS = 60_000;

/** What was read in a session, and what was said of it. */
interface Told {
  readonly session: Session;
  readonly reading: Reading;
  readonly answer: Answer;
  readonly asked: Asked;
}

/** What the ports of an answer ask for and do not get. */
interface Asked {
  readonly of: Answer;
  readonly warnings: readonly Warning[];
  readonly period: Period;
}

/**
 * Reads snapshots, each on the strength of the one before in the same session, and adds to their answers what ports of this host ask
 * for and do not get, a warning for each kind. That is asked for with the first answer of a session, once a minute, and when an
 * answer that has changed has come a second time: whoever waits for a change does not wait for this. An answer that is the same, with
 * warnings that are, stays the same object. Rejects with the driver's error.
 */
export function openReader(
  host: string,
): (session: Session, question: Question) => Promise<Pick<Reading, 'answer' | 'heartbeat'>> {
  let last: Told | null = null;
  return async (session, question) => {
    const before = last?.session === session ? last : null;
    const reading = await readSnapshot(session, question, host, before?.reading);
    const isSameAnswer = reading.answer === before?.reading.answer;
    const isAsked =
      before !== null &&
      !before.asked.period.isOver() &&
      (before.asked.of === reading.answer || !isSameAnswer);
    const asked = isAsked ? before.asked : await askedBy(session, reading.answer);
    const isToldSo = isSameAnswer && isSame(asked.warnings, before?.asked.warnings);
    const answer = before !== null && isToldSo ? before.answer : withWarnings(reading.answer, asked.warnings);
    last = { session, reading, answer, asked };
    return { answer, heartbeat: reading.heartbeat };
  };
}

const withWarnings = (answer: Answer, warnings: readonly Warning[]): Answer =>
  warnings.length === 0 ? answer : { ...answer, warnings: [...answer.warnings, ...warnings] };

const askedBy = async (session: Session, answer: Answer): Promise<Asked> => ({
  of: answer,
  warnings: await unservedAmong(session, answer),
  period: periodFromNow(PERIOD_MS),
});

/** One SELECT. A table that has gone bad under the session costs what is told here and nothing else; `schema check` says what is wrong. */
async function unservedAmong(
  { connection, unserved }: Session,
  { ports }: Answer,
): Promise<readonly Warning[]> {
  const { builder, server } = connection;
  const kinds = new Set(unserved.map(({ code }) => code));
  const terms = ports
    .filter(({ binding }) => binding.kind === 'here')
    .map(({ id }) => ({ column: 'ports.id', equal: id }));
  if (kinds.size === 0) return [];
  const sums = [...kinds].map((kind) => {
    const asks = unserved.filter(({ code }) => code === kind).map((feature) => feature.asks(builder));
    const either = asks.map(() => '?').join(' or ');
    return builder.raw(`sum(case when ${either} then 1 else 0 end) as ??`, [...asks, kind]);
  });
  const lookups = lookupsOf(terms, server.engine, (some) =>
    matching(builder('ports').select(sums), some, server.engine),
  );
  const counted = new Map<Feature['code'], number>();
  try {
    for (const { statement } of lookups) {
      const [row] = await connection.select(statement);
      for (const kind of kinds)
        counted.set(kind, (counted.get(kind) ?? 0) + (integer(row?.[kind] ?? null) ?? 0));
    }
  } catch (error) {
    if (isOfTables(error, connection)) return [];
    throw error;
  }
  return [...counted].flatMap(([code, asking]) =>
    asking === 0 ? [] : [{ code, message: `${count(asking, 'port')} of this host ${SAID[code]}` }],
  );
}

const SAID: Readonly<Record<Feature['code'], string>> = {
  QOS_NOT_SERVED: 'with a QoS policy, of their own or of their network: their traffic is not shaped',
  TRUNK_NOT_SERVED: 'in trunks: the guests get no subports, and the trunks stay DOWN',
  ADDRESS_PAIRS_NOT_ENFORCED: 'with allowed address pairs: nothing is filtered, and every address is allowed',
  VLAN_TRANSPARENCY_NOT_SERVED: 'on VLAN-transparent networks: tagged frames are dropped there all the same',
  DVR_NOT_SERVED: 'of distributed routers (DVR): the LinuxBridge driver has none',
};
