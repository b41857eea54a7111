/** What the agent has on disk of something. */
export interface OnDisk<Value> {
  read(): Value;
  /** It is to keep this; the result is told whether it has reached the disk. */
  keeps(next: Value): (isWritten: boolean) => void;
}

export function makeRecord<Value>(first: Value): OnDisk<Value> {
  let value = first;
  return {
    read: () => value,
    keeps: (next) => (isWritten) => {
      if (isWritten) value = next;
    },
  };
}
