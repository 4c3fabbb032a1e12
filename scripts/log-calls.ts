// Finds every log line that the boat's export manager can write, in its source code.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A log line in the code. Each interpolated value is `{}`. */
export interface LogCall {
  readonly file: string;
  readonly level: string;
  readonly text: string;
}

const SOURCE = join(import.meta.dirname, '..', 'packages', 'boat', 'src');

/** Functions other than `log.write` that pass a message on to the log, with the message's index, and the level or its index. */
const SINKS: readonly {
  readonly file: string;
  readonly callee: string;
  readonly message: number;
  readonly level: number | 'info' | 'warn';
}[] = [
  { file: 'deliver/delivery-log.ts', callee: 'info', message: 0, level: 'info' },
  { file: 'deliver/delivery-log.ts', callee: 'warn', message: 0, level: 'warn' },
  { file: 'notify/notifier.ts', callee: 'report', message: 2, level: 1 },
];

/**
 * Returns the log lines of every source file except tests. A call whose level is not in the code forwards the line of another
 * call.
 */
export function findLogCalls(): readonly LogCall[] {
  const files = globSync('**/*.ts', { cwd: SOURCE })
    .filter((file) => !/\.test\.ts$|^testing\/|\/(?:testing|contract)\/|engine-benchmark/.test(file))
    .toSorted()
    .map((file) =>
      ts.createSourceFile(file, readFileSync(join(SOURCE, file), 'utf8'), ts.ScriptTarget.Latest, true),
    );
  return files.flatMap((file) => findInFile(file, files));
}

function findInFile(file: ts.SourceFile, files: readonly ts.SourceFile[]): readonly LogCall[] {
  const calls: LogCall[] = [];
  walk(file, (node) => {
    if (ts.isCallExpression(node)) calls.push(...toLogCalls(file, node, files));
  });
  return calls;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function toLogCalls(
  file: ts.SourceFile,
  call: ts.CallExpression,
  files: readonly ts.SourceFile[],
): readonly LogCall[] {
  const callee = call.expression.getText(file);
  const isWrite = /(?:^|\.)log\.write$/.test(callee);
  const sink = SINKS.find((one) => one.file === file.fileName && one.callee === callee);
  if (!isWrite && sink === undefined) return [];
  const { message: at, level: levelAt } = sink ?? { message: 1, level: 0 };
  const level = typeof levelAt === 'string' ? levelAt : toLiteral(call.arguments[levelAt]);
  const message = call.arguments[at];
  if (level === undefined || message === undefined) return [];
  return toTexts(message, file, files).map((text) => ({ file: file.fileName, level, text }));
}

function toLiteral(node: ts.Expression | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteral(node) ? node.text : undefined;
}

/** An expression's possible texts. Parts that are not in the code are `{}`. */
function toTexts(
  node: ts.Expression,
  file: ts.SourceFile,
  files: readonly ts.SourceFile[],
): readonly string[] {
  const follow = (next: ts.Expression): readonly string[] => toTexts(next, file, files);
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map(({ literal }) => `{}${literal.text}`).join('')];
  if (ts.isConditionalExpression(node)) return [...follow(node.whenTrue), ...follow(node.whenFalse)];
  if (ts.isParenthesizedExpression(node)) return follow(node.expression);
  // `satisfies never` marks code that is never reached.
  if (ts.isSatisfiesExpression(node)) return [];
  if (ts.isIdentifier(node)) return findConstant(node.text, file).flatMap(follow);
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression))
    return findReturns(node.expression.text, files).filter((text) => text !== '');
  return ['{}'];
}

/** The values of a file's constants with this name. */
function findConstant(name: string, file: ts.SourceFile): readonly ts.Expression[] {
  const found: ts.Expression[] = [];
  walk(file, (node) => {
    if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return;
    if (node.name.getText(file) === name) found.push(node.initializer);
  });
  return found;
}

/** The strings that the functions with this name return. */
function findReturns(name: string, files: readonly ts.SourceFile[]): readonly string[] {
  const texts: string[] = [];
  for (const file of files)
    walk(file, (node) => {
      if (!ts.isFunctionDeclaration(node) || node.name?.text !== name) return;
      walk(node, (inner) => {
        if (ts.isReturnStatement(inner) && inner.expression !== undefined)
          texts.push(...toTexts(inner.expression, file, files));
      });
    });
  return texts;
}
