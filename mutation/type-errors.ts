import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Error codes for unused names, which a mutant may leave behind. */
const UNUSED_CODES: ReadonlySet<number> = new Set([6133, 6138, 6192, 6196, 6198, 6199]);

/** Returns a function that finds the compiler's errors for a file with changed content. */
export function createTypeErrorFinder(root: string): (file: string, text: string) => readonly string[] {
  const configFile = join(root, 'tsconfig.json');
  const { config, error } = ts.readConfigFile(configFile, (path) => readFileSync(path, 'utf8'));
  if (error !== undefined) throw new Error(`tsconfig.json cannot be read: ${flatten(error)}`);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const changed = new Map<string, { readonly text: string; readonly version: number }>();
  let version = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => fileNames,
    getScriptVersion: (path) => String(changed.get(path)?.version ?? 0),
    getScriptSnapshot: (path) => {
      const text = changed.get(path)?.text ?? ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: (path) => ts.sys.realpath?.(path) ?? path,
  });
  return (file, text) => {
    const path = join(root, file);
    version += 1;
    changed.set(path, { text, version });
    try {
      return [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)]
        .filter(({ code }) => !UNUSED_CODES.has(code))
        .map(flatten);
    } finally {
      changed.delete(path);
    }
  };
}

function flatten({ messageText }: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(messageText, ' ');
}
