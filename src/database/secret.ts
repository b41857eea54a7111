/** A secret of at least this length is no part of a word by chance; a shorter one is masked only where it stands alone. */
const IN_WORDS_LENGTH_MIN = 8;
const MASK = '***';
/** What a URL has between `user:` and the last `@`, however it is encoded there. */
const PASSWORD_IN_URL = /(:\/\/[^\s/:@]*:)\S*(?=@)/g;
const PASSWORD_IN_QUERY = /([?&]pass(?:word|wd)?=)[^\s&]*/gi;
const WORD = /[\p{L}\p{N}_]/u;

/** The text with `***` where the password stands as a value, and instead of any password in a URL. */
export function withoutSecret(text: string, password: string | null): string {
  const plain = text.replace(PASSWORD_IN_URL, `$1${MASK}`).replace(PASSWORD_IN_QUERY, `$1${MASK}`);
  if (!password) return plain;
  const { length } = password;
  return plain.replaceAll(password, (found, at: number) =>
    length >= IN_WORDS_LENGTH_MIN || standsAlone(plain, at, at + length) ? MASK : found,
  );
}

const standsAlone = (text: string, from: number, to: number): boolean =>
  !WORD.test(text[from - 1] ?? '') && !WORD.test(text[to] ?? '');
