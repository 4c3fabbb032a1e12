import type { MarkName, Tone } from '../ui/icons.tsx';

/** The main control's action. With `none`, the control shows progress or what it is waiting for. */
export type MainAct = 'export' | 'check' | 'send' | 'retry_failed' | 'clear' | 'enrol' | 'none';

/** The main sentence of the screen, the steps for the owner, and the main control. */
export interface Statement {
  readonly tone: Tone;
  readonly mark: MarkName;
  readonly title: string;
  readonly says: string;
  /** Steps for the owner. Empty if no action is needed. */
  readonly steps: readonly string[];
  /** What the boat observed, for a person who helps the owner. */
  readonly seen: string | undefined;
  readonly main: { readonly act: MainAct; readonly label: string; readonly doneShare: number | undefined };
}

/** The part of the statement that the situation alone determines. */
export type Words = Pick<Statement, 'tone' | 'mark' | 'title' | 'says'> &
  Partial<Pick<Statement, 'steps' | 'seen' | 'main'>>;
