/** Returns an error as Node's SQLite throws it. `errcode` is SQLite's primary result code. */
export function sqliteError(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
}
