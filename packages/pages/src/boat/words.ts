import type { MarkName, Tone } from '../ui/icons.tsx';

/** The action of the main control. With `none`, it shows progress or what it waits for. */
export type MainAct = 'export' | 'check' | 'send' | 'retry_failed' | 'clear' | 'enrol' | 'none';

/** The main sentence of the screen, the steps for the owner, and the main control. */
export interface Statement {
  readonly tone: Tone;
  readonly mark: MarkName;
  readonly title: string;
  readonly says: string;
  /** Steps for the owner. Empty if no action is needed. */
  readonly steps: readonly string[];
  /** What the boat observed, for the person who helps the owner. */
  readonly seen: string | undefined;
  readonly main: { readonly act: MainAct; readonly label: string; readonly doneShare: number | undefined };
}

/** What a situation determines of the statement. */
export type Words = Pick<Statement, 'tone' | 'mark' | 'title' | 'says'> &
  Partial<Pick<Statement, 'steps' | 'seen' | 'main'>>;
