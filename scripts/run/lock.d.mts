export function withLock<T>(
  name: string,
  say: (text: string) => void,
  body: () => Promise<T>,
): Promise<T>;
