import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon, type IconName, type Tone } from './icons.tsx';

export interface ActProps {
  readonly icon?: IconName;
  /** `waits` takes the place of the main control while nothing can be pressed there. */
  readonly look?: 'main' | 'waits' | 'quiet' | 'bad';
  /** A control that waits stays in the tab order, and its label gives the reason. */
  readonly isWaiting?: boolean;
  /** Progress from 0 to 1, shown inside the control. */
  readonly doneShare?: number | undefined;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
  readonly label?: string;
  readonly focusFirst?: boolean;
}

/** A button. */
export function Act(props: ActProps): JSX.Element {
  const { icon, look, isWaiting = false, doneShare, onPress, children } = props;
  return (
    <button
      type="button"
      class={`act${look === undefined ? '' : ` act--${look}`}${look === 'waits' ? ' act--main' : ''}`}
      aria-disabled={isWaiting}
      aria-label={props.label}
      autofocus={props.focusFirst ?? false}
      style={doneShare === undefined ? {} : { '--done': doneShare }}
      onClick={() => {
        if (!isWaiting) onPress();
      }}
    >
      {doneShare !== undefined && <span class="act__fill" />}
      {icon !== undefined && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

/** A link that downloads a file. */
export function Download({
  href,
  children,
}: {
  readonly href: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <a class="act" href={href} download>
      <Icon name="download" />
      <span>{children}</span>
    </a>
  );
}

/** A message on the page: the answer to a request, or a warning that the facts are old. */
export function Banner(props: {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly role: 'status' | 'alert';
  readonly children: ComponentChildren;
  readonly action?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="banner" data-tone={props.tone} role={props.role}>
      <Icon name={props.icon} />
      <div>{props.children}</div>
      {props.action}
    </div>
  );
}

/**
 * A dialog in front of the page. The focus stays inside it while its content changes, and afterwards returns to the control that
 * opened it. Escape closes the dialog, which is the safe answer.
 */
export function Dialog(props: {
  readonly label: string;
  readonly isWide?: boolean;
  readonly role?: 'dialog' | 'alertdialog';
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // The browser returns the focus only if the dialog is closed by Escape, and not if it is removed. By then, the focus may be
    // elsewhere.
    return () =>
      queueMicrotask(() => {
        if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
      });
  }, []);
  // The control that had the focus may be gone, for example because its question has been answered.
  useEffect(() => {
    if (dialog.current?.open === true && document.activeElement === document.body) dialog.current.focus();
  });
  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      class={props.isWide === true ? 'dialog dialog--wide' : 'dialog'}
      role={props.role ?? 'dialog'}
      aria-label={props.label}
      onClose={props.onClose}
    >
      {props.children}
    </dialog>
  );
}
