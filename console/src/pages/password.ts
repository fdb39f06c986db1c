/** ORG-23. */
export function isAcceptable(password: string): boolean {
  const length = [...password].length;
  return length >= 6 && length <= 64 && /\p{L}/u.test(password) && /\p{N}/u.test(password);
}
