import { DEFAULT_RETENTION, PRUNED_KINDS, type PrunedKind, RETENTION_DAYS_MIN } from '../retention/policy.ts';
import { describeLimits, type Setting, SETTINGS } from '../settings.ts';

/** One option of a command. */
export interface OptionHelp {
  /** The name of the option's value. Undefined for a switch. */
  readonly value: string | undefined;
  readonly help: string;
}

/** One command. Parsing and help derive from it. */
export interface CommandHelp {
  /** The names of the command's arguments, separated by spaces. Undefined if it takes no argument. */
  readonly argument: string | undefined;
  readonly summary: string;
  readonly description: string;
  /** The command's own options. */
  readonly options: Readonly<Record<string, OptionHelp>>;
  /** Whether the help lists the options for the listening address and port. */
  readonly listens: boolean;
  readonly examples: readonly string[];
}

const ID = '0123456789abcdef';

const PRUNED_NAMES: Readonly<Record<PrunedKind, string>> = {
  receipts: 'receipts and rejected records',
  telemetry: 'telemetry samples',
  audit: 'audit events',
  usage: 'the daily use of quotas',
};

export const COMMANDS = {
  serve: {
    argument: undefined,
    summary: 'run central until SIGTERM or SIGINT',
    description:
      'Brings the database schema up to date, then listens. On SIGTERM or SIGINT it finishes the requests in\nprogress and exits. With --json, it prints {"listening": URL} once it accepts requests.',
    options: {},
    listens: true,
    examples: ['d3kos-central serve', 'd3kos-central serve --host 0.0.0.0 --port 8095'],
  },
  migrate: {
    argument: undefined,
    summary: 'bring the database schema up to date',
    description:
      'Applies the migrations that are missing from the database. Every other command does this first. With --distribute it\nthen distributes the tables over the Citus nodes by installation, and copies the few tables that belong to no\ninstallation to every node. Running it again changes nothing. Repeat it after an upgrade that adds tables. See\ndocs/guides/scale.md.',
    options: {
      distribute: { value: undefined, help: 'distribute the tables over the Citus nodes' },
    },
    listens: false,
    examples: ['d3kos-central migrate', 'd3kos-central migrate --distribute'],
  },
  enroll: {
    argument: 'INSTALLATION_ID',
    summary: 'enrol a boat and print its device token',
    description:
      'Issues a device token for the installation and prints it once; central stores only its SHA-256. Earlier tokens\nstay valid until they are revoked. Enrolling a disabled installation enables it again.',
    options: {
      tier: { value: 'N', help: "record the installation's tier: 0, 1, 2 or 3" },
      'allow-id-as-token': {
        value: undefined,
        help: 'also accept the installation ID as a token for imports, because older boats send it',
      },
      'expires-days': {
        value: 'N',
        help: 'let the token expire after N days, 1 to 3650; default: never',
      },
      key: {
        value: 'KEY',
        help: "accept this key for the boat's bundles, as `bundle-key --accept` does",
      },
    },
    listens: false,
    examples: [`d3kos-central enroll ${ID} --tier 2`, `d3kos-central enroll ${ID} --json`],
  },
  invite: {
    argument: 'INSTALLATION_ID',
    summary: 'print a one-time code with which a boat enrols itself',
    description:
      'Prints a code of 10 characters. `d3kos-export enroll CODE` on the boat redeems it once: the boat creates its\nown device token, and central stores only the digest. A new code replaces one that was not redeemed. For a boat whose\nSD card was replaced, the code also restores its installation ID.',
    options: {
      tier: { value: 'N', help: "record the installation's tier: 0, 1, 2 or 3" },
      'expires-hours': { value: 'N', help: 'let the code expire after N hours, 1 to 720; default 48' },
      'expires-days': {
        value: 'N',
        help: "let the boat's token expire N days after the code is redeemed; default: never",
      },
    },
    listens: false,
    examples: [`d3kos-central invite ${ID}`, `d3kos-central invite ${ID} --tier 2 --expires-hours 168`],
  },
  enable: {
    argument: 'INSTALLATION_ID',
    summary: 'enable a boat that `revoke --disable` disabled',
    description:
      'Enables the installation again. Tokens that are neither revoked nor expired are valid again.',
    options: {},
    listens: false,
    examples: [`d3kos-central enable ${ID}`],
  },
  revoke: {
    argument: 'INSTALLATION_ID',
    summary: "revoke a boat's device tokens, or disable the boat",
    description:
      'Revokes every token of the installation, and no longer accepts its ID as a token. Central then answers 401.\nAn enrolment code that was not redeemed becomes invalid. An upload that is in progress is not stored. No record\nis removed.',
    options: {
      token: { value: 'TOKEN_ID', help: 'revoke only this token (see `tokens`) and keep the others' },
      disable: {
        value: undefined,
        help: 'keep the tokens, but disable the installation until `enable`; central answers 403',
      },
    },
    listens: false,
    examples: [
      `d3kos-central revoke ${ID}`,
      `d3kos-central revoke ${ID} --token 3f1c09ab77de`,
      `d3kos-central revoke ${ID} --disable`,
    ],
  },
  tokens: {
    argument: 'INSTALLATION_ID',
    summary: "list a boat's device tokens",
    description:
      'Lists every token with its ID, when it was issued, when an import was last stored with it (to the hour), and\nwhen it expires or was revoked. To replace a token, run `enroll` again, give the new token to the boat, wait\nuntil the boat uses it, and revoke the old one.',
    options: {},
    listens: false,
    examples: [`d3kos-central tokens ${ID}`],
  },
  export: {
    argument: 'INSTALLATION_ID DIRECTORY',
    summary: 'write all data that central holds about a boat to files',
    description:
      "Writes one file for each category, one for the rejected records, and manifest.json with each file's number of rows\nand SHA-256. The folder must be new or empty. In ndjson and parquet, numbers keep all their digits.\nIn csv, a value that a spreadsheet would treat as a formula is prefixed with an apostrophe.",
    options: { format: { value: 'FORMAT', help: 'ndjson, csv or parquet; default ndjson' } },
    listens: false,
    examples: [`d3kos-central export ${ID} ./boat`, `d3kos-central export ${ID} --format parquet ./boat`],
  },
  quota: {
    argument: 'INSTALLATION_ID',
    summary: "show or change a boat's daily quota",
    description:
      "Shows what the installation has used today (UTC) and its own limits. Where it has no limit of its own, the\nnodes' CENTRAL_QUOTA_... settings apply. A change takes effect within 5 minutes.",
    options: {
      'stored-mib': { value: 'N', help: 'MiB that the boat may store per day, or "default"' },
      records: { value: 'N', help: 'records that it may send per day, or "default"' },
      requests: { value: 'N', help: 'requests that it may make per day, or "default"' },
      'cpu-seconds': {
        value: 'N',
        help: 'seconds of CPU time that its requests may use per day, or "default"',
      },
    },
    listens: false,
    examples: [`d3kos-central quota ${ID}`, `d3kos-central quota ${ID} --stored-mib 4096 --records default`],
  },
  audit: {
    argument: undefined,
    summary: 'list enrolments, access changes, logins and refusals',
    description:
      'Lists the latest 1000 events of the audit trail, newest first. Identical refusals within an hour count as one event.',
    options: {
      installation: { value: 'ID', help: 'list only events of this installation' },
    },
    listens: false,
    examples: ['d3kos-central audit', `d3kos-central audit --installation ${ID} --json`],
  },
  'account add': {
    argument: 'NAME',
    summary: 'add an account for an operator',
    description:
      'Adds an account and prints a random password for it, once. Central stores only a salted scrypt hash. The\noperator can change it on the Fleet page. A name consists of 2 to 40 of the characters a-z 0-9 . _ - and\nbegins with a letter.',
    options: {
      role: {
        value: 'ROLE',
        help: "viewer: read the fleet; admin: also manage boats' access and accounts",
      },
      'password-stdin': { value: undefined, help: 'read the password from the first line of standard input' },
    },
    listens: false,
    examples: [
      'd3kos-central account add anna --role admin',
      'pass show central/ben | d3kos-central account add ben --role viewer --password-stdin',
    ],
  },
  'account list': {
    argument: undefined,
    summary: 'list the operator accounts',
    description:
      'Lists every account with its role, and the times at which it was added and its password was last changed.',
    options: {},
    listens: false,
    examples: ['d3kos-central account list'],
  },
  'account role': {
    argument: 'NAME',
    summary: "change an account's role",
    description: 'Changes the role. The new role applies to sessions of the account at once.',
    options: { role: { value: 'ROLE', help: 'viewer or admin' } },
    listens: false,
    examples: ['d3kos-central account role ben --role admin'],
  },
  'account password': {
    argument: 'NAME',
    summary: 'set a new password for an account',
    description: "Prints a new random password, once, and ends the account's sessions.",
    options: {
      'password-stdin': { value: undefined, help: 'read the password from the first line of standard input' },
    },
    listens: false,
    examples: ['d3kos-central account password ben'],
  },
  'account remove': {
    argument: 'NAME',
    summary: 'remove an account',
    description: 'Removes the account and ends its sessions. The audit trail keeps its events.',
    options: {},
    listens: false,
    examples: ['d3kos-central account remove ben'],
  },
  list: {
    argument: undefined,
    summary: 'list the installations',
    description:
      'Lists every installation with its tier, its state, the time of its last import, and its number of records.\nThe state is "2 machines" if two machines use one installation ID, because a card was copied.',
    options: {},
    listens: false,
    examples: ['d3kos-central list'],
  },
  show: {
    argument: 'INSTALLATION_ID',
    summary: 'show one installation, its records and missing exports',
    description:
      'Shows the installation, the number of records in each category, the sequences missing from its newest\nledger, and its ledgers. Warns if two machines use its installation ID.',
    options: {},
    listens: false,
    examples: [`d3kos-central show ${ID}`],
  },
  'bundle-key': {
    argument: 'INSTALLATION_ID',
    summary: "show or accept the key that signs a boat's bundles",
    description:
      "Shows the boat's public key that central keeps, and any other key that the boat has sent since. Central\nkeeps the first key that arrives with a device token. It uses another key only after the operator has\naccepted it: first compare it with the key that `d3kos-export config` shows on the boat.",
    options: {
      accept: { value: 'KEY', help: 'use this key from now on instead of the previous one' },
    },
    listens: false,
    examples: [
      `d3kos-central bundle-key ${ID}`,
      `d3kos-central bundle-key ${ID} --accept 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo`,
    ],
  },
  prune: {
    argument: undefined,
    summary: 'remove old receipts, telemetry, audit events and usage',
    description: `Removes rows that are older than the given number of days, ${RETENTION_DAYS_MIN} or more. Central keeps track of which exports of\neach ledger it holds, and keeps the receipts of incomplete exports. It may run while nodes are serving, for example once a day.`,
    options: Object.fromEntries(
      PRUNED_KINDS.map((kind) => [
        `${kind}-days`,
        { value: 'N', help: `keep ${PRUNED_NAMES[kind]} for N days; default ${DEFAULT_RETENTION[kind]}` },
      ]),
    ),
    listens: false,
    examples: ['d3kos-central prune', 'd3kos-central prune --telemetry-days 3650 --json'],
  },
  erase: {
    argument: 'INSTALLATION_ID',
    summary: 'remove all data that central holds about a boat',
    description:
      'Disables the installation, then removes its rows from every table: records, receipts, tokens, audit events and the\ninstallation itself. It cannot be undone. If it is interrupted, run it again. Backups are not changed.',
    options: { confirm: { value: 'ID', help: 'required: the same installation ID again' } },
    listens: false,
    examples: [`d3kos-central erase ${ID} --confirm ${ID}`],
  },
  'import-bundle': {
    argument: 'FILE',
    summary: 'store the exports from an offline bundle',
    description:
      'Stores the exports from a file that `d3kos-export bundle` wrote. It uses the same keys as uploads over the network,\nso a part that central already holds is not stored again. The exit code is 1 if a part is damaged or refused.\nA bundle that its boat did not sign is refused completely.',
    options: {
      unsigned: {
        value: undefined,
        help: 'store the bundle even if its boat did not sign it; the audit trail records this',
      },
    },
    listens: false,
    examples: ['d3kos-central import-bundle /media/usb/d3kos_0123456789abcdef_20260601_120000.bundle'],
  },
  conformance: {
    argument: 'URL INSTALLATION_ID',
    summary: 'check a server against the requirements of the protocol',
    description:
      'Checks the server at URL against the requirements of docs/spec/protocol.md and prints pass, FAIL or skip for\neach, with the evidence. It stores small exports for the installation, so use an installation that no boat\nhas. Requirements for boats, and those that cannot be tested by requests, are not checked. The exit code is 1 if a requirement fails.',
    options: { token: { value: 'TOKEN', help: 'required: the device token of the installation' } },
    listens: false,
    examples: [`d3kos-central conformance http://127.0.0.1:8095 ${ID} --token TOKEN`],
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

export type CommandName = keyof typeof COMMANDS;

/** Returns whether `name` is the name of a command. */
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

/** Settings that are also options, with the variable that each one overrides. */
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
