import { describeLimits, type Setting, SETTINGS } from '../settings.ts';

/** One option of a command. */
export interface OptionHelp {
  /** Undefined: the option is a switch. */
  readonly value: string | undefined;
  readonly help: string;
}

/** One command, from which parsing and help derive. */
export interface CommandHelp {
  /** The name of its single argument; undefined: it takes none. */
  readonly argument: string | undefined;
  readonly summary: string;
  readonly description: string;
  /** Options of this command alone. */
  readonly options: Readonly<Record<string, OptionHelp>>;
  /** Whether the options that set where central listens are listed in its help. */
  readonly listens: boolean;
  readonly examples: readonly string[];
}

const ID = '0123456789abcdef';

export const COMMANDS = {
  serve: {
    argument: undefined,
    summary: 'run central until SIGTERM or SIGINT',
    description:
      'Brings the schema of the database up to date, then listens. On SIGTERM or SIGINT it finishes the requests\nin progress and exits. With --json it prints {"listening": URL} once it accepts requests.',
    options: {},
    listens: true,
    examples: ['d3kos-central serve', 'd3kos-central serve --host 0.0.0.0 --port 8095'],
  },
  migrate: {
    argument: undefined,
    summary: 'bring the schema of the database up to date',
    description:
      'Applies the migrations that the database does not have. Every other command does the same first.',
    options: {},
    listens: false,
    examples: ['d3kos-central migrate'],
  },
  enroll: {
    argument: 'INSTALLATION_ID',
    summary: 'enroll a boat and print its device token',
    description:
      'Issues a device token for the installation and prints it once; central stores only its SHA-256. Earlier tokens\nstay valid until they are revoked. Enrolling a disabled installation enables it again.',
    options: {
      tier: { value: 'N', help: 'record the tier of the installation: 0, 1, 2 or 3' },
      'allow-id-as-token': {
        value: undefined,
        help: 'also accept the installation id as a token for imports, as older boats send it',
      },
    },
    listens: false,
    examples: [`d3kos-central enroll ${ID} --tier 2`, `d3kos-central enroll ${ID} --json`],
  },
  revoke: {
    argument: 'INSTALLATION_ID',
    summary: 'revoke the device tokens of a boat, or disable it',
    description:
      'Revokes every token of the installation, and its id as a token: central answers them with 401.\nNo record is removed.',
    options: {
      disable: {
        value: undefined,
        help: 'keep the tokens and disable the installation (403) until it is enrolled again',
      },
    },
    listens: false,
    examples: [`d3kos-central revoke ${ID}`, `d3kos-central revoke ${ID} --disable`],
  },
  list: {
    argument: undefined,
    summary: 'list the installations',
    description:
      'Lists every installation with its tier, state, time of the last import, and number of records.',
    options: {},
    listens: false,
    examples: ['d3kos-central list'],
  },
  show: {
    argument: 'INSTALLATION_ID',
    summary: 'show one installation, its records and missing exports',
    description:
      'Shows the installation, the records central holds in each category, and the sequences that are missing\nfrom its newest ledger.',
    options: {},
    listens: false,
    examples: [`d3kos-central show ${ID}`],
  },
  'import-bundle': {
    argument: 'FILE',
    summary: 'store the exports of an offline bundle',
    description:
      'Stores the exports that `d3kos-export bundle` wrote to a file, under the same keys as over the network: a part\nthat central already holds stays as it is. Exits with 1 if a part is damaged or refused.',
    options: {},
    listens: false,
    examples: ['d3kos-central import-bundle /media/usb/d3kos_0123456789abcdef_20260601_120000.bundle'],
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

export type CommandName = keyof typeof COMMANDS;

/** True for the name of a command. */
export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** Options of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionHelp>> = {
  json: {
    value: undefined,
    help: 'print the result, or a failure, as one line of JSON on standard output; logs go to standard error',
  },
  help: { value: undefined, help: 'print this help' },
};

/** Settings that are also options, with the variable each one sets. */
export const SETTING_OPTIONS: readonly {
  readonly option: string;
  readonly variable: string;
  readonly listens: boolean;
  readonly help: OptionHelp;
}[] = Object.values<Setting>(SETTINGS).flatMap((setting) => {
  const { option, variable } = setting;
  if (option === undefined) return [];
  const listens = option !== SETTINGS.dataDir.option;
  const help = { value: option.toUpperCase().replace('DATA-', ''), help: toOptionText(setting) };
  return [{ option, variable, listens, help }];
});

function toOptionText(setting: Setting): string {
  const text = `${setting.help} ${describeLimits(setting)}`.trim().replaceAll('`', '');
  return `${text} (${setting.variable}, default ${setting.default ?? 'none'})`;
}
