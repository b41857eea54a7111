import type { Duplex } from 'node:stream';
import { messageOf } from '../model/thrown.js';

/** A type in one byte, then the length of the rest with its own four. */
const HEAD_LENGTH = 5;
const LENGTH_LENGTH = 4;
/** No row that is read here is anywhere near as long. */
const BODY_LENGTH_MAX = 64 * 1024 * 1024;
const ERROR = 'E'.charCodeAt(0);
const NOTICE = 'N'.charCodeAt(0);

/**
 * Looks at the messages of a server before the driver does, in whatever pieces they come. Throws at what would keep the
 * driver busy for ever or fill the memory: an error or a notice whose fields do not end, an impossible length.
 */
export function messageCheck(): (bytes: Buffer) => void {
  // One head for all messages, and no piece of its own for any: an answer may have a thousand.
  const head = Buffer.alloc(HEAD_LENGTH);
  let headLength = 0;
  let bodyLeft = 0;
  /** The last two bytes of the body so far: a field ends with one zero, and after the last field comes another one. */
  let tail = 0;
  const isInBody = (): boolean => headLength === HEAD_LENGTH;
  /** Takes what is there of the head from `at` on, as `takeBody` does of the body, and gives where that ends. */
  const takeHead = (bytes: Buffer, at: number): number => {
    const taken = bytes.copy(head, headLength, at);
    headLength += taken;
    if (!isInBody()) return at + taken;
    bodyLeft = head.readUInt32BE(1) - LENGTH_LENGTH;
    tail = 0;
    const isTextLess = bodyLeft === 0 && hasFields(head);
    if (bodyLeft < 0 || bodyLeft > BODY_LENGTH_MAX || isTextLess) {
      throw new Error(`a message cannot be ${bodyLeft} bytes long`);
    }
    return at + taken;
  };
  const takeBody = (bytes: Buffer, at: number): number => {
    const end = Math.min(at + bodyLeft, bytes.length);
    for (let last = Math.max(at, end - 2); last < end; last += 1)
      tail = ((tail << 8) | bytes.readUInt8(last)) & 0xffff;
    bodyLeft -= end - at;
    return end;
  };
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      at = isInBody() ? takeBody(bytes, at) : takeHead(bytes, at);
      if (!isInBody() || bodyLeft > 0) continue;
      if (hasFields(head) && tail !== 0) throw new Error('the text of an error does not end');
      headLength = 0;
    }
  };
}

const hasFields = (head: Buffer): boolean => head[0] === ERROR || head[0] === NOTICE;

/**
 * Lets a stream end with an error where what a server sends is more than the driver can take. The driver throws then, in
 * an event of the stream, where nobody could catch it: any server at this address would end the process.
 */
export function containDriver(stream: Duplex): void {
  const look = messageCheck();
  const readers = stream.listeners('data');
  stream.removeAllListeners('data');
  stream.on('data', (bytes: Buffer) => {
    try {
      look(bytes);
      for (const read of readers) Reflect.apply(read, stream, [bytes]);
    } catch (error) {
      stream.destroy(notUnderstood(error));
    }
  });
}

/** The numbers of the protocol; a server that asks for one of these is well, and another rule in it would let us in. */
const UNKNOWN_AUTHENTICATION = /^Unknown authenticationOk message type (\d+)$/;

/** With a code as the driver's own errors have one: whoever tells of it knows the kind by that. */
function notUnderstood(error: unknown): Error {
  const said = messageOf(error);
  const asked = UNKNOWN_AUTHENTICATION.exec(said)?.[1];
  const [code, text] =
    asked === undefined
      ? ['PROTOCOL_NOT_UNDERSTOOD', `what it sends is not the protocol of PostgreSQL (${said})`]
      : [
          '28000',
          `it asks for a kind of authentication that the agent does not have (${KINDS.get(asked) ?? `number ${asked}`}); scram-sha-256 in pg_hba.conf is one that it has`,
        ];
  return Object.assign(new Error(text, { cause: error }), { code });
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ['2', 'Kerberos'],
  ['6', 'SCM credentials'],
  ['7', 'GSSAPI'],
  ['9', 'SSPI'],
]);
