import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

const PIECE_BYTES = 64 * 1024;

/** Who may have put a link where a file is looked for: an administrator, or nobody, as among the agent's own files. */
export type Links = 'followed' | 'refused';

/**
 * Reads a file that is not the program's own to trust. It never waits (as for the writer of a FIFO), and reads nothing but a
 * regular file of at most `maxBytes`. Throws what the file system says, or in a few words what the file is instead.
 */
export function readRegularFile(path: string, maxBytes: number, links: Links = 'followed'): Buffer {
  const follow = links === 'followed' ? 0 : constants.O_NOFOLLOW;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | follow);
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is no regular file');
    return readPieces(fd, maxBytes);
  } finally {
    closeSync(fd);
  }
}

/** Whether every user of this host may read the file, as far as its own mode says; false where it cannot be asked. */
export const isReadableByAll = (path: string): boolean =>
  ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & constants.S_IROTH) !== 0;

function readPieces(fd: number, maxBytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let length = 0; length <= maxBytes; ) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const read = readSync(fd, piece);
    if (read === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, read));
    length += read;
  }
  throw new Error(`it is longer than ${maxBytes} bytes`);
}
